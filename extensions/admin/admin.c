/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - the extension: settings, life, counters. */
#include "extensions/admin/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "budget/question.h"
#include "extensions/admin/guard.h"
#include "net/endpoint.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

enum { CONNECTIONS = 512, THREADS = 2 };

static struct toll_admin *admin_of(struct toll_component *c)
{
	return toll_container_of(c, struct toll_admin, super.super);
}

/* ---- metrics ---- */

static const char *const outcomes[TOLL_ADMIN_OUTCOMES] = { "allowed", "throttled", "stale", "done",
	                                                   "refused", "denied",    "failed" };

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct toll_admin *a = toll_container_of(source, struct toll_admin, metrics);
	struct toll_label labels[2] = { { "admin", toll_slice_str(a->super.super.id.text) } };

	toll_metrics_family(w, "spantoll_admin_requests", TOLL_METRIC_COUNTER,
	                    "Requests to the HTTP API, by how they were answered.");
	for (int i = 0; i < TOLL_ADMIN_OUTCOMES; i++) {
		labels[1] = (struct toll_label){ "answer", toll_slice_str(outcomes[i]) };
		toll_metrics_sample(w, labels, 2, atomic_load(&a->counts->by[i]));
	}
}

/* ---- life ---- */

static int open_tls(struct toll_admin *a, struct toll_error *reterr)
{
	const struct toll_server_tls *t = &a->config->tls;
	const struct toll_tls_server_settings set = {
		TOLL_TLS_SERVER_SETTINGS(t),
		.setting = a->tls_setting,
	};

	return t->present ? toll_tls_server_new(&set, &a->tls, reterr) : 0;
}

static int find_authenticator(struct toll_admin *a, struct toll_error *reterr)
{
	const struct toll_component *c = &a->super.super;

	if (!a->config->auth.present)
		return 0;
	a->auth = toll_host_find(c->host, "auth", a->config->auth.authenticator.ptr);
	if (a->auth)
		return 0;
	return toll_fail(reterr, TOLL_ECONFIG,
	                 "extensions::%s::auth::authenticator: \"%s\" is no extension that "
	                 "authenticates, or service::extensions lists it after this one",
	                 c->id.text, a->config->auth.authenticator.ptr);
}

static int listen_and_serve(struct toll_admin *a, struct toll_error *reterr)
{
	const struct toll_http_settings set = {
		.endpoint = a->config->endpoint.ptr,
		.setting = a->setting,
		.thread = "toll-admin",
		.service = &a->service,
		.call_size = sizeof(struct toll_admin_request),
		.headers = a->headers,
		.header_count = a->header_count,
		.tls = a->tls,
		.memory = toll_host_memory(a->super.super.host),
		.workers = THREADS,
		.max_connections = CONNECTIONS,
		.max_body_bytes = TOLL_ADMIN_BODY_MAX,
	};

	return toll_http_server_new(&set, &a->server, reterr);
}

static int start(struct toll_component *c, struct toll_error *reterr)
{
	struct toll_admin *a = admin_of(c);
	int err = find_authenticator(a, reterr);

	if (!err)
		err = open_tls(a, reterr);
	if (!err && toll_admin_desk_open(&a->desk) < 0)
		err = toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", c->who);
	if (!err)
		err = listen_and_serve(a, reterr);
	if (err)
		return err;
	toll_host_metrics_add(c->host, &a->metrics);
	a->measured = true;
	TOLL_INFO(c->who, "the HTTP API is served at %s/v1/", toll_http_server_url(a->server));
	return 0;
}

static void stop(struct toll_component *c, uint64_t deadline_mono_ns)
{
	struct toll_admin *a = admin_of(c);

	if (a->server)
		toll_http_server_close(a->server);
	toll_admin_desk_close(&a->desk);
	if (a->server)
		toll_http_server_stop(a->server, deadline_mono_ns);
	if (a->measured)
		toll_host_metrics_remove(c->host, &a->metrics);
	a->measured = false;
}

static void free_admin(struct toll_component *c)
{
	struct toll_admin *a = admin_of(c);

	stop(c, 0);
	toll_http_server_free(a->server);
	toll_tls_server_free(a->tls);
	toll_admin_desk_release(&a->desk);
	toll_host_let_go(c->host, a->counts);
	free(a);
}

static const struct toll_component_ops ops = { start, stop, free_admin };

static bool has_identity(const struct toll_admin_config *c)
{
	return c->auth.present || c->tls.client_ca_file.len;
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct toll_admin *a = calloc(1, sizeof(*a));

	if (!a)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&a->super.super, &ops, set);
	a->config = config;
	a->local = !has_identity(a->config);
	a->metrics.collect = collect;
	toll_admin_serve_init(a);
	snprintf(a->setting, sizeof(a->setting), "extensions::%s::endpoint", set->id.text);
	snprintf(a->tls_setting, sizeof(a->tls_setting), "extensions::%s::tls", set->id.text);
	atomic_init(&a->random, toll_clock_mono_ns());
	a->counts = toll_host_keep(set->host, "admin", set->id.text, sizeof(*a->counts), NULL);
	if (!a->counts) {
		free_admin(&a->super.super);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	*ret = &a->super.super;
	return 0;
}

/* ---- settings ---- */

static bool is_unix(struct toll_slice endpoint)
{
	return strncmp(endpoint.ptr, "unix:", 5) == 0;
}

static void check_endpoint(const struct toll_admin_config *c, struct toll_reporter *r)
{
	struct toll_endpoint endpoint;
	struct toll_error why;

	if (is_unix(c->endpoint))
		return;
	if (toll_endpoint_parse(c->endpoint, &endpoint, &why) < 0)
		toll_report_error(r, "endpoint", "%s", why.text);
	else if (!has_identity(c) && !toll_admin_is_local_host(c->endpoint))
		toll_report_error(r, "endpoint",
		                  "whoever reaches \"%s\" could throttle any service, or none: set "
		                  "auth::authenticator or tls::client_ca_file, or keep it on "
		                  "localhost",
		                  c->endpoint.ptr);
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct toll_admin_config *c = config;

	check_endpoint(c, r);
	toll_question_check_headers(&c->headers, TOLL_QUESTION_MAX, r);
	toll_server_tls_check(&c->tls, "tls", r);
}

#define CONFIG struct toll_admin_config

/* clang-format off */
static const struct toll_field auth_fields[] = {
	{ .name = "authenticator", .type = TOLL_FIELD_STRING,
	  .offset = offsetof(CONFIG, auth.authenticator) - offsetof(CONFIG, auth),
	  .help = "Id of an extension that says who asks: basicauth, bearertokenauth.",
	  .required = true, .extension = "auth" },
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_FIELD(CONFIG, endpoint, STRING, "127.0.0.1:8080",
	           "Where it listens: host:port, or unix:/path; beyond this machine only with auth.", .listens = true),
	TOLL_FIELD(CONFIG, enforcer, STRING, NULL,
	           "Id of the exporter enforcer that is asked; default: the only one there is.", .exporter = "enforcer"),
	TOLL_FIELD(CONFIG, auth, GROUP, NULL, "Who may see and change budgets; without it: this machine.",
	           .group = auth_fields, .present = offsetof(CONFIG, auth.present)),
	TOLL_FIELD(CONFIG, max_age, DURATION, "1m",
	           "When nothing was heard from the flags' store for so long, everybody may pass.",
	           .min = 100000000, .max = -1),
	TOLL_FIELD(CONFIG, headers, MAP,
	           "{service: x-service-name, tenant: x-tenant-id, feature: x-feature-context}",
	           "For /v1/authz: which request header tells which dimension, or the criticality."),
	TOLL_FIELD(CONFIG, tls, GROUP, NULL, "Certificates; without them: plain text.",
	           .group = toll_server_tls_fields, .present = offsetof(CONFIG, tls.present)),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_extension_admin = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_ALPHA,
	.type = "admin",
	.help = "HTTP API: who is throttled, for meshes; budgets, overrides, kill switch and "
		"audit, "
		"for people.",
	.config_size = sizeof(struct toll_admin_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
