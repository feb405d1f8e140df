/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp/settings.h"

#include <stdio.h>

#include "net/endpoint.h"

#define CONF struct toll_otlp_grpc_out_config
#define KEEP struct toll_otlp_grpc_out_keepalive

static const struct toll_field keepalive_fields[] = {
	TOLL_FIELD(KEEP, time, DURATION, "10s",
	           "Ping a server that is silent for so long; 0: never."),
	TOLL_FIELD(KEEP, timeout, DURATION, "10s",
	           "A ping unanswered for so long ends the connection."),
	TOLL_FIELD(KEEP, permit_without_stream, BOOL, "false",
	           "Ping also while no request is in flight; many servers forbid it."),
	TOLL_FIELD_END,
};

const struct toll_field toll_otlp_grpc_out_fields[] = {
	TOLL_FIELD(CONF, endpoint, STRING, NULL,
	           "host:port, http://host:port (plain), https://host:port (TLS), "
	           "dns:///host:port or unix:/path.",
	           .required = true),
	TOLL_FIELD(CONF, compression, STRING, "gzip", "gzip or none."),
	TOLL_FIELD(CONF, headers, MAP, NULL,
	           "Sent with every request; values are never shown: better from ${env:NAME}.",
	           .secret = true),
	TOLL_FIELD(CONF, tls, GROUP, NULL, "How the connection is secured; it is, by default.",
	           .group = toll_client_tls_fields),
	TOLL_FIELD(CONF, keepalive, GROUP, NULL, "Finding out that a server is gone.",
	           .group = keepalive_fields),
	TOLL_FIELD(
		CONF, balancer_name, STRING, "round_robin",
		"round_robin: over all addresses of the name; pick_first: the first that answers."),
	TOLL_FIELD(CONF, authority, STRING, NULL, "What the server is told as :authority."),
	TOLL_FIELD(CONF, wait_for_ready, BOOL, "false",
	           "Requests wait for a connection until their time-out."),
	TOLL_FIELD(CONF, read_buffer_size, SIZE, "0",
	           "Most that is read from the connection at once; 0: the library's choice."),
	TOLL_FIELD(CONF, write_buffer_size, SIZE, "512KiB",
	           "What may wait in the connection before requests wait themselves."),
	TOLL_EXPORTER_FIELDS(CONF, "true"),
	TOLL_FIELD_REFUSED(
		"auth",
		"authenticators are not available yet: requests would go out without; put the "
		"token into headers, authorization: \"Bearer ${env:TOKEN}\""),
	TOLL_FIELD_LATER("middlewares",
	                 "there are no middlewares: what they add to requests goes into headers"),
	TOLL_FIELD_LATER("user_agent", "it is spantoll and the version"),
	TOLL_FIELD_END,
};

/* ---- endpoint ---- */

static bool take_prefix(struct toll_slice *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->ptr, prefix, len) != 0)
		return false;
	*s = toll_slice(s->ptr + len, s->len - len);
	return true;
}

static bool has_scheme(const struct toll_otlp_grpc_out_config *c, const char *scheme)
{
	struct toll_slice s = c->endpoint;

	return take_prefix(&s, scheme);
}

static int check_host_port(struct toll_slice text, struct toll_error *reterr)
{
	struct toll_endpoint e;
	int err = toll_endpoint_parse(text, &e, reterr);

	if (err)
		return err;
	if (!e.host[0] || !e.port)
		return toll_fail(reterr, TOLL_EINVALID,
		                 "\"%.*s\" needs a host and a port: collector:4317",
		                 TOLL_FMT(text));
	return 0;
}

/* dns:[//server]/name:port: what follows the last slash. */
static struct toll_slice dns_name(struct toll_slice s)
{
	for (size_t i = s.len; i; i--)
		if (s.ptr[i - 1] == '/')
			return toll_slice(s.ptr + i, s.len - i);
	return s;
}

static int check_target(struct toll_slice target, struct toll_error *reterr)
{
	struct toll_slice rest = target;

	if (take_prefix(&rest, "unix:"))
		return rest.len ? 0
		                : toll_fail(reterr, TOLL_EINVALID, "unix: needs a path behind it");
	if (take_prefix(&rest, "dns:"))
		return check_host_port(dns_name(rest), reterr);
	return check_host_port(target, reterr);
}

int toll_otlp_grpc_out_target(const struct toll_otlp_grpc_out_config *c,
                              char buf[TOLL_OTLP_GRPC_OUT_TARGET_MAX], struct toll_error *reterr)
{
	struct toll_slice s = c->endpoint;

	if ((take_prefix(&s, "http://") || take_prefix(&s, "https://")) && s.len &&
	    s.ptr[s.len - 1] == '/')
		s.len--;
	if (s.len >= TOLL_OTLP_GRPC_OUT_TARGET_MAX)
		return toll_fail(reterr, TOLL_EINVALID, "is too long");
	snprintf(buf, TOLL_OTLP_GRPC_OUT_TARGET_MAX, "%.*s", TOLL_FMT(s));
	return check_target(s, reterr);
}

bool toll_otlp_grpc_out_is_secure(const struct toll_otlp_grpc_out_config *c)
{
	if (has_scheme(c, "https://"))
		return true;
	return !has_scheme(c, "http://") && !c->tls.insecure;
}

bool toll_otlp_grpc_out_is_gzip(const struct toll_otlp_grpc_out_config *c)
{
	return toll_slice_is(c->compression, "gzip");
}

/* ---- what a table cannot say ---- */

static void check_endpoint(const struct toll_otlp_grpc_out_config *c, struct toll_reporter *r)
{
	char target[TOLL_OTLP_GRPC_OUT_TARGET_MAX];
	struct toll_error why;

	if (!c->endpoint.len)
		toll_report_error(r, "endpoint", "must name where to send: collector:4317");
	else if (toll_otlp_grpc_out_target(c, target, &why) < 0)
		toll_report_error(r, "endpoint", "%s", why.text);
	if (has_scheme(c, "http://") && (c->tls.ca_file.len || c->tls.ca_pem.len ||
	                                 c->tls.cert_file.len || c->tls.cert_pem.len))
		toll_report_error(r, "endpoint",
		                  "http:// is plain text, but tls: has certificates");
}

static void check_tls(const struct toll_otlp_grpc_out_config *c, struct toll_reporter *r)
{
	toll_client_tls_check(&c->tls, "tls", r);
	if (toll_slice_is(c->tls.min_version, "1.3"))
		toll_report_error(r, "tls::min_version",
		                  "the gRPC library offers TLS 1.2 and 1.3, always both; let the "
		                  "server demand 1.3");
	if (toll_slice_is(c->tls.max_version, "1.2"))
		toll_report_error(r, "tls::max_version",
		                  "the gRPC library offers TLS 1.2 and 1.3, always both");
}

static void check_choices(const struct toll_otlp_grpc_out_config *c, struct toll_reporter *r)
{
	if (!toll_otlp_grpc_out_is_gzip(c) && c->compression.len &&
	    !toll_slice_is(c->compression, "none"))
		toll_report_error(r, "compression",
		                  "\"%.*s\" is not possible here: the gRPC library knows gzip; use "
		                  "gzip or none",
		                  TOLL_FMT(c->compression));
	if (c->balancer_name.len && !toll_slice_is(c->balancer_name, "round_robin") &&
	    !toll_slice_is(c->balancer_name, "pick_first"))
		toll_report_error(r, "balancer_name",
		                  "\"%.*s\" is not known: use round_robin or pick_first",
		                  TOLL_FMT(c->balancer_name));
}

/* RFC 9113 and gRPC: what may be a header; upper case is lowered. */
static bool is_header_name(struct toll_slice name)
{
	static const char legal[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	struct toll_slice rest = name;

	for (size_t i = 0; i < name.len; i++)
		if (!name.ptr[i] || !strchr(legal, name.ptr[i]))
			return false;
	return name.len && !take_prefix(&rest, "grpc-");
}

static bool is_header_value(struct toll_slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] < 0x20 || value.ptr[i] > 0x7e)
			return false;
	return true;
}

static void check_headers(const struct toll_otlp_grpc_out_config *c, struct toll_reporter *r)
{
	for (size_t i = 0; i < c->headers.count; i++) {
		const struct toll_pair *h = &c->headers.at[i];

		if (!is_header_name(h->key))
			toll_report_error(r, "headers",
			                  "\"%.*s\" is no name of a header: letters, digits, '-', "
			                  "'_' and '.', not beginning with grpc-",
			                  TOLL_FMT(h->key));
		else if (!is_header_value(h->value))
			toll_report_error(r, "headers", "the value of %.*s must be printable ASCII",
			                  TOLL_FMT(h->key));
	}
}

void toll_otlp_grpc_out_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_otlp_grpc_out_config *c = config;

	toll_exporter_settings_check(&c->common, r);
	check_endpoint(c, r);
	check_choices(c, r);
	check_headers(c, r);
	check_tls(c, r);
}
