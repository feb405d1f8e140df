/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp_http/settings.h"

#include <stdio.h>
#include <strings.h>

#include "net/http_header.h"
#include "net/http_post.h"

#define CONF struct toll_otlp_http_out_config

static const char *const encodings[] = { "proto", "json", NULL };

const struct toll_field toll_otlp_http_out_fields[] = {
	TOLL_FIELD(CONF, endpoint, STRING, NULL,
	           "http://host:port or https://host:port; /v1/traces is put behind it."),
	TOLL_FIELD(CONF, traces_endpoint, STRING, NULL,
	           "The whole URL for spans; then endpoint is not needed."),
	TOLL_FIELD(CONF, encoding, ENUM, "proto", "proto, or json: larger and dearer.",
	           .choices = encodings),
	TOLL_FIELD(CONF, compression, STRING, "gzip", "gzip, zstd or none."),
	TOLL_FIELD(CONF, headers, MAP, NULL,
	           "Sent with every request; values are never shown: better from ${env:NAME}.",
	           .secret = true),
	TOLL_FIELD(CONF, tls, GROUP, NULL, "How https:// is secured.",
	           .group = toll_client_tls_fields),
	TOLL_FIELD(CONF, proxy_url, STRING, NULL,
	           "http://host:port; default: HTTPS_PROXY, http_proxy and NO_PROXY."),
	TOLL_FIELD(CONF, idle_conn_timeout, DURATION, "90s",
	           "A connection idle for longer is not used again."),
	TOLL_FIELD(CONF, disable_keep_alives, BOOL, "false", "A connection per request."),
	TOLL_EXPORTER_FIELDS_TIMEOUT(CONF, "true", "30s"),
	TOLL_FIELD_REFUSED(
		"auth",
		"authenticators are not available yet: requests would go out without; put the "
		"token into headers, authorization: \"Bearer ${env:TOKEN}\""),
	TOLL_FIELD_LATER("metrics_endpoint", "there are only spans here"),
	TOLL_FIELD_LATER("logs_endpoint", "there are only spans here"),
	TOLL_FIELD_LATER("profiles_endpoint", "there are only spans here"),
	TOLL_FIELD_LATER("compression_params", "the fastest level is used"),
	TOLL_FIELD_LATER("read_buffer_size", "libcurl chooses its buffers"),
	TOLL_FIELD_LATER("write_buffer_size", "libcurl chooses its buffers"),
	TOLL_FIELD_LATER("max_idle_conns",
	                 "connections are as many as sending_queue::num_consumers"),
	TOLL_FIELD_LATER("max_idle_conns_per_host",
	                 "connections are as many as sending_queue::num_consumers"),
	TOLL_FIELD_LATER("max_conns_per_host",
	                 "connections are as many as sending_queue::num_consumers"),
	TOLL_FIELD_LATER("force_attempt_http2", "HTTP/2 is used over TLS where the server has it"),
	TOLL_FIELD_LATER("http2_read_idle_timeout", "TCP keep-alive finds out who is gone"),
	TOLL_FIELD_LATER("http2_ping_timeout", "TCP keep-alive finds out who is gone"),
	TOLL_FIELD_LATER("cookies", "cookies are not kept"),
	TOLL_FIELD_LATER("middlewares",
	                 "there are no middlewares: what they add to requests goes into headers"),
	TOLL_FIELD_END,
};

int toll_otlp_http_out_url(const struct toll_otlp_http_out_config *c,
                           char buf[TOLL_OTLP_HTTP_OUT_URL_MAX], struct toll_error *reterr)
{
	bool whole = c->traces_endpoint.len > 0;
	struct toll_slice base = whole ? c->traces_endpoint : c->endpoint;
	const char *path = whole ? "" : "/v1/traces";
	int err;

	if (!whole && base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	if (base.len + strlen(path) >= TOLL_OTLP_HTTP_OUT_URL_MAX)
		return toll_fail(reterr, TOLL_EINVALID, "is too long");
	/* What is wrong is told of what was written. */
	snprintf(buf, TOLL_OTLP_HTTP_OUT_URL_MAX, "%.*s", TOLL_FMT(base));
	err = toll_http_check_url(buf, reterr);
	if (err < 0)
		return err;
	snprintf(buf, TOLL_OTLP_HTTP_OUT_URL_MAX, "%.*s%s", TOLL_FMT(base), path);
	return toll_http_check_url(buf, reterr);
}

bool toll_otlp_http_out_compression(struct toll_slice name,
                                    enum toll_otlp_http_out_compression *ret)
{
	if (toll_slice_is(name, "gzip"))
		*ret = TOLL_OTLP_HTTP_OUT_GZIP;
	else if (toll_slice_is(name, "zstd"))
		*ret = TOLL_OTLP_HTTP_OUT_ZSTD;
	else if (!name.len || toll_slice_is(name, "none"))
		*ret = TOLL_OTLP_HTTP_OUT_PLAIN;
	else
		return false;
	return true;
}

/* ---- what a table cannot say ---- */

static bool is_https(struct toll_slice url)
{
	return url.len >= 8 && strncasecmp(url.ptr, "https://", 8) == 0;
}

static void check_url(const struct toll_otlp_http_out_config *c, struct toll_reporter *r)
{
	bool whole = c->traces_endpoint.len > 0;
	const char *field = whole ? "traces_endpoint" : "endpoint";
	char url[TOLL_OTLP_HTTP_OUT_URL_MAX];
	struct toll_error why;

	if (!whole && !c->endpoint.len)
		toll_report_error(r, "endpoint", "must name where to send: http://collector:4318");
	else if (toll_otlp_http_out_url(c, url, &why) < 0)
		toll_report_error(r, field, "%s", why.text);
	else if (!is_https(toll_slice_str(url)) && (c->tls.ca_file.len || c->tls.ca_pem.len ||
	                                            c->tls.cert_file.len || c->tls.cert_pem.len))
		toll_report_error(r, field, "http:// is plain text, but tls: has certificates");
	else if (is_https(toll_slice_str(url)) && c->tls.insecure)
		toll_report_error(r, "tls::insecure",
		                  "%s is https://; for plain text write http://, to believe any "
		                  "certificate insecure_skip_verify",
		                  field);
}

static void check_headers(const struct toll_otlp_http_out_config *c, struct toll_reporter *r)
{
	for (size_t i = 0; i < c->headers.count; i++) {
		const struct toll_pair *h = &c->headers.at[i];

		if (!toll_http_is_header_name(h->key))
			toll_report_error(r, "headers", "\"%.*s\" is no name of a header",
			                  TOLL_FMT(h->key));
		else if (toll_http_is_framing_header(h->key))
			toll_report_error(r, "headers",
			                  "%.*s follows from encoding, compression and the request",
			                  TOLL_FMT(h->key));
		else if (!toll_http_is_header_value(h->value))
			toll_report_error(r, "headers", "the value of %.*s must be printable ASCII",
			                  TOLL_FMT(h->key));
	}
}

void toll_otlp_http_out_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_otlp_http_out_config *c = config;
	enum toll_otlp_http_out_compression compression;

	toll_exporter_settings_check(&c->common, r);
	check_url(c, r);
	check_headers(c, r);
	toll_client_tls_check(&c->tls, "tls", r);
	if (!toll_otlp_http_out_compression(c->compression, &compression))
		toll_report_error(r, "compression",
		                  "\"%.*s\" is not possible here: use gzip, zstd or none",
		                  TOLL_FMT(c->compression));
}
