/* SPDX-License-Identifier: Apache-2.0 */
/* envoy.c - the extension: settings, life, counters. */
#include "extensions/envoy/envoy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "budget/question.h"
#include "net/endpoint.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

static struct toll_envoy *envoy_of(struct toll_component *c)
{
	return toll_container_of(c, struct toll_envoy, super.super);
}

/* ---- metrics ---- */

static const char *const methods[TOLL_ENVOY_METHODS] = { "ShouldRateLimit", "Check" };
static const char *const outcomes[TOLL_ENVOY_OUTCOMES] = { "unnamed", "allowed",      "stale",
	                                                   "denied",  "other_domain", "invalid" };

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct toll_envoy *e = toll_container_of(source, struct toll_envoy, metrics);
	struct toll_label labels[3] = { { "envoy", toll_slice_str(e->super.super.id.text) } };

	toll_metrics_family(w, "spantoll_envoy_requests", TOLL_METRIC_COUNTER,
	                    "Requests of meshes, by method and how they were answered.");
	for (int m = 0; m < TOLL_ENVOY_METHODS; m++) {
		labels[1] = (struct toll_label){ "method", toll_slice_str(methods[m]) };
		for (int o = 0; o < TOLL_ENVOY_OUTCOMES; o++) {
			labels[2] = (struct toll_label){ "answer", toll_slice_str(outcomes[o]) };
			toll_metrics_sample(w, labels, 3, atomic_load(&e->counts->by[m][o]));
		}
	}
}

/* ---- life ---- */

static int open_tls(struct toll_envoy *e, struct toll_error *reterr)
{
	const struct toll_server_tls *t = &e->config->tls;
	const struct toll_tls_server_settings set = {
		TOLL_TLS_SERVER_SETTINGS(t),
		.setting = e->tls_setting,
	};

	return t->present ? toll_tls_server_new(&set, &e->tls, reterr) : 0;
}

static int listen_and_serve(struct toll_envoy *e, struct toll_error *reterr)
{
	const struct toll_grpc_server_settings set = {
		.endpoint = e->config->endpoint.ptr,
		.setting = e->setting,
		.thread = "toll-envoy",
		.methods = e->methods,
		.method_count = TOLL_ENVOY_METHODS,
		.workers = (unsigned)e->config->workers,
		.tls = e->tls,
		.max_message_bytes = TOLL_ENVOY_MESSAGE_MAX,
		.memory_bytes = (size_t)256 << 20,
		.max_streams =
			1024, /* what Envoy opens on a connection before it opens another one */
		.message_timeout_ns = 5 * TOLL_S,
		.answer_timeout_ns = 5 * TOLL_S,
		/* Clusters of Envoy may be told to ping, also while nobody asks anything. */
		.keepalive_min_time_ns = 10 * TOLL_S,
		.keepalive_permit_without_stream = true,
		.quick = true,
	};

	return toll_grpc_server_new(&set, &e->server, reterr);
}

static int start(struct toll_component *c, struct toll_error *reterr)
{
	struct toll_envoy *e = envoy_of(c);
	int err = open_tls(e, reterr);

	if (!err)
		err = listen_and_serve(e, reterr);
	if (err)
		return err;
	toll_host_metrics_add(c->host, &e->metrics);
	e->measured = true;
	TOLL_INFO(c->who, "meshes are answered over gRPC endpoint=%s",
	          toll_grpc_server_address(e->server));
	return 0;
}

static void stop(struct toll_component *c, uint64_t deadline_mono_ns)
{
	struct toll_envoy *e = envoy_of(c);

	if (e->server)
		toll_grpc_server_stop(e->server, deadline_mono_ns);
	if (e->measured)
		toll_host_metrics_remove(c->host, &e->metrics);
	e->measured = false;
}

static void free_envoy(struct toll_component *c)
{
	struct toll_envoy *e = envoy_of(c);

	stop(c, 0);
	toll_grpc_server_free(e->server);
	toll_tls_server_free(e->tls);
	toll_host_let_go(c->host, e->counts);
	free(e->scratch);
	free(e);
}

static const struct toll_component_ops ops = { start, stop, free_envoy };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct toll_envoy *e = calloc(1, sizeof(*e));

	if (!e)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&e->super.super, &ops, set);
	e->config = config;
	e->scratch = calloc((size_t)e->config->workers, sizeof(*e->scratch));
	e->counts = toll_host_keep(set->host, "envoy", set->id.text, sizeof(*e->counts), NULL);
	if (!e->scratch || !e->counts) {
		free_envoy(&e->super.super);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	toll_grpc_prefer_own_polls(); /* nothing has started yet, but for a reload */
	e->metrics.collect = collect;
	snprintf(e->setting, sizeof(e->setting), "extensions::%s::endpoint", set->id.text);
	snprintf(e->tls_setting, sizeof(e->tls_setting), "extensions::%s::tls", set->id.text);
	toll_envoy_headers_init(&e->headers, &e->config->headers);
	toll_envoy_serve_init(e);
	*ret = &e->super.super;
	return 0;
}

/* ---- settings ---- */

/* What Envoy knows (envoy/type/v3/http_status.proto): with another number it would answer 403. */
static bool is_known_status(int64_t status)
{
	if (status >= 400 && status <= 418)
		return status != 418;
	return (status >= 421 && status <= 424) || status == 426 || status == 428 ||
	       status == 429 || status == 431 || (status >= 500 && status <= 508) ||
	       status == 510 || status == 511;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct toll_envoy_config *c = config;
	struct toll_endpoint endpoint;
	struct toll_error why;

	if (strncmp(c->endpoint.ptr, "unix:", 5) != 0 &&
	    toll_endpoint_parse(c->endpoint, &endpoint, &why) < 0)
		toll_report_error(r, "endpoint", "%s", why.text);
	if (!is_known_status(c->status))
		toll_report_error(r, "status", "Envoy does not send %lld: choose 429, 402 or 503",
		                  (long long)c->status);
	toll_question_check_headers(&c->headers, TOLL_ENVOY_HEADERS_CONFIGURED_MAX, r);
	toll_server_tls_check(&c->tls, "tls", r);
}

#define CONFIG struct toll_envoy_config

static const struct toll_field fields[] = {
	TOLL_FIELD(CONFIG, endpoint, STRING, "127.0.0.1:8081",
	           "Where it listens: host:port, or unix:/path.", .listens = true),
	TOLL_FIELD(CONFIG, enforcer, STRING, NULL,
	           "Id of the exporter enforcer whose flags are told; default: the only one there "
	           "is.",
	           .exporter = "enforcer"),
	TOLL_FIELD(CONFIG, max_age, DURATION, "1m",
	           "When nothing was heard from the flags' store for so long, everybody may pass.",
	           .min = 100000000, .max = -1),
	TOLL_FIELD(CONFIG, domain, STRING, NULL,
	           "Rate limits of this domain are answered, others always pass; default: any."),
	TOLL_FIELD(CONFIG, status, INT, "429",
	           "HTTP status of a request that ext_authz turns away.", .min = 400, .max = 511),
	TOLL_FIELD(
		CONFIG, headers, MAP,
		"{service: x-service-name, tenant: x-tenant-id, feature: x-feature-context}",
		"For ext_authz: which request header tells which dimension, or the criticality."),
	TOLL_FIELD(CONFIG, workers, INT, "1", "Threads that answer.", .min = 1, .max = 64),
	TOLL_FIELD(CONFIG, tls, GROUP, NULL, "Certificates; without them: plain text.",
	           .group = toll_server_tls_fields, .present = offsetof(CONFIG, tls.present)),
	TOLL_FIELD_END,
};

const struct toll_factory toll_extension_envoy = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_ALPHA,
	.type = "envoy",
	.help = "Answers Envoy's rate limit service and external authorization from the throttle "
		"flags.",
	.config_size = sizeof(struct toll_envoy_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
