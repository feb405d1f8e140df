/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - the settings of the receiver as a whole, and the rules between them. */
#include "receivers/otlp/settings.h"

#include <stdio.h>

#include "base/error.h"
#include "pipeline/consumer.h"
#include "receivers/otlp/identity.h"

/* As enum toll_ack_level. */
static const char *const ack_names[] = { "received", "journaled", "exported", "auto", NULL };

/* clang-format off */
static const struct toll_field protocol_fields[] = {
	{ .name = "grpc", .type = TOLL_FIELD_GROUP, .group = toll_otlp_grpc_fields,
	  .offset = offsetof(struct toll_otlp_config, protocols.grpc)
	          - offsetof(struct toll_otlp_config, protocols),
	  .present = offsetof(struct toll_otlp_config, protocols.grpc.present)
	           - offsetof(struct toll_otlp_config, protocols),
	  .help = "OTLP/gRPC; `grpc:` alone takes the defaults." },
	{ .name = "http", .type = TOLL_FIELD_GROUP, .group = toll_otlp_http_fields,
	  .offset = offsetof(struct toll_otlp_config, protocols.http)
	          - offsetof(struct toll_otlp_config, protocols),
	  .present = offsetof(struct toll_otlp_config, protocols.http.present)
	           - offsetof(struct toll_otlp_config, protocols),
	  .help = "OTLP/HTTP; `http:` alone takes the defaults." },
	TOLL_FIELD_END,
};

const struct toll_field toll_otlp_auth_fields[] = {
	TOLL_FIELD(struct toll_otlp_auth_config, authenticator, STRING, NULL,
	           "Id of an extension that says who a client is: basicauth, bearertokenauth.",
	           .required = true, .extension = "auth"),
	TOLL_FIELD_END,
};

static const struct toll_field identity_fields[] = {
	TOLL_FIELD(struct toll_otlp_identity, name, STRING, NULL,
	           "Who: user, token's name or name in the certificate; * and ? for any.", .required = true),
	TOLL_FIELD(struct toll_otlp_identity, services, LIST, NULL, "The services it may bill; * and ? for any.",
	           .required = true),
	TOLL_FIELD_END,
};

const struct toll_field toll_otlp_fields[] = {
	TOLL_FIELD(struct toll_otlp_config, protocols, GROUP, NULL, "Which protocols to serve.",
	           .group = protocol_fields, .required = true),
	TOLL_FIELD(struct toll_otlp_config, acknowledge, ENUM, "auto",
	           "How far a batch must have come before the client hears OK; auto: journaled where a pipeline has a journal, else received.",
	           .choices = ack_names),
	TOLL_FIELD(struct toll_otlp_config, deduplicate, GROUP, NULL,
	           "What is known of requests that clients send again because they heard no answer.",
	           .group = toll_repeats_fields),
	TOLL_FIELD(struct toll_otlp_config, identities, GROUPS, NULL,
	           "Which clients may bill which services; what another one sends in a service's name goes to unverified:<client>.",
	           .group = identity_fields, .group_size = sizeof(struct toll_otlp_identity)),
	TOLL_FIELD_END,
};
/* clang-format on */

static bool has_scheme(struct toll_slice endpoint)
{
	return strncmp(endpoint.ptr, "unix:", 5) == 0;
}

static bool is_unix(struct toll_slice endpoint, int transport)
{
	return transport == TOLL_OTLP_UNIX || has_scheme(endpoint);
}

void toll_otlp_print_endpoint(struct toll_slice endpoint, int transport,
                              char buf[TOLL_ENDPOINT_MAX])
{
	bool prefix = is_unix(endpoint, transport) && !has_scheme(endpoint);

	snprintf(buf, TOLL_ENDPOINT_MAX, "%s%s", prefix ? "unix:" : "", endpoint.ptr);
}

void toll_otlp_check_endpoint(struct toll_slice text, int transport, const char *path,
                              struct toll_reporter *r)
{
	struct toll_endpoint endpoint;
	struct toll_error why;

	if (!is_unix(text, transport) && toll_endpoint_parse(text, &endpoint, &why) < 0)
		toll_report_error(r, path, "%s", why.text);
	else if (text.len >= TOLL_ENDPOINT_MAX - sizeof("unix:"))
		toll_report_error(r, path, "is too long");
}

/* net/grpc_tls.c says why. */
static void check_grpc_tls(const struct toll_server_tls *tls, struct toll_reporter *r)
{
	bool limited =
		tls->min_version != TOLL_SERVER_TLS_1_2 || tls->max_version != TOLL_SERVER_TLS_1_3;

	if (limited && (tls->reload_interval || tls->client_ca_file_reload))
		toll_report_error(r, "protocols::grpc::tls",
		                  "gRPC's library cannot limit versions of TLS and reload files at "
		                  "once: keep "
		                  "min_version and max_version, or reload_interval and "
		                  "client_ca_file_reload");
}

static void check_who(bool present, const struct toll_otlp_auth_config *auth,
                      const struct toll_server_tls *tls, const char *path, struct toll_reporter *r)
{
	if (present && !auth->present && !tls->client_ca_file.len)
		toll_report_error(r, path,
		                  "identities needs to know who the client is: set "
		                  "auth::authenticator, or tls::client_ca_file");
}

static void check_identities(const struct toll_otlp_config *c, struct toll_reporter *r)
{
	const struct toll_otlp_grpc_config *grpc = &c->protocols.grpc;
	const struct toll_otlp_http_config *http = &c->protocols.http;

	if (!c->identities.count)
		return;
	check_who(grpc->present, &grpc->auth, &grpc->tls, "protocols::grpc", r);
	check_who(http->present, &http->auth, &http->tls, "protocols::http", r);
	if (c->identities.count > TOLL_OTLP_IDENTITIES_MAX)
		toll_report_error(r, "identities", "are more than %d", TOLL_OTLP_IDENTITIES_MAX);
}

void toll_otlp_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_otlp_config *c = config;
	const struct toll_otlp_grpc_config *grpc = &c->protocols.grpc;
	const struct toll_otlp_http_config *http = &c->protocols.http;

	if (!grpc->present && !http->present)
		toll_report_error(r, "protocols",
		                  "no protocol is on: add `grpc:` or `http:` under protocols");
	if (grpc->present)
		toll_otlp_check_endpoint(grpc->endpoint, grpc->transport,
		                         "protocols::grpc::endpoint", r);
	toll_server_tls_check(&grpc->tls, "protocols::grpc::tls", r);
	check_grpc_tls(&grpc->tls, r);
	if (http->present)
		toll_otlp_http_validate(http, r);
	check_identities(c, r);
}
