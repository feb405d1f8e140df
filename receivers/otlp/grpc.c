/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.c - the gRPC engine: TraceService/Export on net/grpc_server. */
#include "receivers/otlp/grpc.h"

#include <assert.h>
#include <stdlib.h>

#include "receivers/otlp/response.h"

enum { UNIMPLEMENTED = 12 };

#define COLLECTOR "/opentelemetry.proto.collector."

/* ---- Export ---- */

static void take(struct toll_otlp_request *r, char *out)
{
	toll_grpc_call_take(toll_grpc_call_of(r), out); /* never NULL: no body is in one piece */
}

/* Overload comes with the time to come back; what can never succeed says so without: that is how
 * SDKs tell the two meanings of RESOURCE_EXHAUSTED apart. */
static void answer(struct toll_otlp_request *r, int err, const char *why)
{
	struct toll_grpc_answer a = { .status = err ? toll_err_grpc_status(err) : 0,
		                      .message = err ? why : NULL };
	char buf[TOLL_RESPONSE_MAX] TOLL_UNINITIALIZED;

	if (!err)
		a.response = toll_otlp_response(TOLL_OTLP_PROTOBUF, r->rejected, r->reason, buf);
	else if (toll_err_retryable(err))
		a.details = toll_otlp_status(TOLL_OTLP_PROTOBUF, a.status, why,
		                             toll_retry_delay_ms(), buf);
	toll_grpc_answer(toll_grpc_call_of(r), &a);
}

static enum toll_encoding encoding_of(const struct toll_grpc_call *c)
{
	switch (toll_grpc_call_encoding(c)) {
	case TOLL_GRPC_IDENTITY:
		return TOLL_ENCODING_IDENTITY;
	case TOLL_GRPC_GZIP:
		return TOLL_ENCODING_GZIP;
	default:
		return TOLL_ENCODING_UNKNOWN;
	}
}

/* ---- who is asking ---- */

struct caller {
	struct toll_otlp_caller super;
	const struct toll_grpc_call *call;
};

static struct toll_slice header(const struct toll_auth_request *q, const char *name)
{
	const struct caller *c = (const struct caller *)(const void *)q; /* its first member */

	return toll_grpc_call_header(c->call, name);
}

static const char *certificate(const struct toll_otlp_caller *super, char *buf, size_t size)
{
	const struct caller *c = (const struct caller *)(const void *)super;

	return toll_grpc_call_client(c->call, buf, size);
}

/* False: the call is answered. */
static bool let_in(struct toll_otlp_grpc *g, struct toll_grpc_call *call,
                   char identity[TOLL_IDENTITY_MAX])
{
	struct caller c = { { { header }, certificate }, call };
	const char *why = NULL;
	int err = toll_otlp_identify(&g->super.security, &c.super, identity, &why);

	if (err)
		toll_otlp_refuse(&g->super, toll_grpc_call_data(call), err, why);
	return !err;
}

static void handle_export(void *ctx, struct toll_grpc_call *c)
{
	struct toll_otlp_grpc *g = ctx;
	char peer[64], identity[TOLL_IDENTITY_MAX];
	struct toll_otlp_body body = { .size = toll_grpc_call_size(c),
		                       .encoding = encoding_of(c),
		                       .worker = toll_grpc_call_worker(c),
		                       .peer = peer,
		                       .identity = identity };

	if (!let_in(g, c, identity))
		return;
	toll_grpc_call_peer(c, peer, sizeof(peer));
	toll_otlp_export(&g->super, toll_grpc_call_data(c), &body);
}

/* SDKs that send all three signals to one endpoint should read why. */
static void refuse_signal(void *ctx, struct toll_grpc_call *c)
{
	struct toll_otlp_grpc *g = ctx;

	toll_otlp_count(&g->super, TOLL_OUTCOME_FAILURE);
	toll_grpc_answer(c, &(struct toll_grpc_answer){ .status = UNIMPLEMENTED,
	                                                .message = TOLL_OTLP_TRACES_ONLY });
}

/* ---- life ---- */

static struct toll_otlp_grpc *grpc_of(struct toll_otlp_engine *e)
{
	return toll_container_of(e, struct toll_otlp_grpc, super);
}

static const struct toll_otlp_grpc *grpc_of_const(const struct toll_otlp_engine *e)
{
	return (const struct toll_otlp_grpc *)e;
}

/* Core's own buffers: what may be on its way in before the byte budget sees it. */
static size_t core_memory(const struct toll_otlp_engine *e)
{
	return (16 + 8 * (size_t)e->workers) * e->set.max_message_bytes;
}

static int listen_and_serve(struct toll_otlp_engine *e, struct toll_error *reterr)
{
	struct toll_otlp_grpc *g = grpc_of(e);
	const struct toll_otlp_grpc_config *c = &e->receiver->config->protocols.grpc;
	const struct toll_otlp_keepalive *k = &c->keepalive.server_parameters;
	const struct toll_otlp_enforcement *p = &c->keepalive.enforcement_policy;
	struct toll_grpc_server_settings set = {
		.endpoint = e->endpoint,
		.setting = e->setting,
		.thread = "toll-otlp",
		.methods = g->methods,
		.method_count = TOLL_COUNT(g->methods),
		.workers = e->workers,
		.tls = e->security.tls,
		.call_size = sizeof(struct toll_otlp_request),
		.max_message_bytes = e->set.max_message_bytes,
		.read_buffer_bytes = c->read_buffer_size,
		.memory_bytes = core_memory(e),
		.max_streams = (unsigned)c->max_concurrent_streams,
		.max_connection_idle_ns = k->max_connection_idle,
		.max_connection_age_ns = k->max_connection_age,
		.max_connection_age_grace_ns = k->max_connection_age_grace,
		.keepalive_time_ns = k->time,
		.keepalive_timeout_ns = k->timeout,
		.keepalive_min_time_ns = p->min_time,
		.keepalive_permit_without_stream = p->permit_without_stream,
	};

	return toll_grpc_server_new(&set, &g->server, reterr);
}

static void engine_close(struct toll_otlp_engine *e)
{
	toll_grpc_server_close(grpc_of(e)->server);
}

static bool stop(struct toll_otlp_engine *e, uint64_t deadline_mono_ns)
{
	return toll_grpc_server_stop(grpc_of(e)->server, deadline_mono_ns);
}

static void engine_free(struct toll_otlp_engine *e)
{
	struct toll_otlp_grpc *g = grpc_of(e);

	toll_grpc_server_free(g->server);
	toll_otlp_engine_release(e);
	free(g);
}

static const char *address(const struct toll_otlp_engine *e)
{
	return toll_grpc_server_address(grpc_of_const(e)->server);
}

/* What the server refused by itself. */
static uint64_t failures(const struct toll_otlp_engine *e)
{
	const struct toll_grpc_server_counts *c = toll_grpc_server_counts(grpc_of_const(e)->server);

	return atomic_load_explicit(&c->unknown_methods, memory_order_relaxed) +
	       atomic_load_explicit(&c->lost, memory_order_relaxed) +
	       atomic_load_explicit(&c->overdue, memory_order_relaxed);
}

static const struct toll_otlp_engine_ops ops = {
	.transport = "grpc",
	.name = "OTLP/gRPC",
	.compressed = "unknown compression: send gzip or identity",
	.too_big = "the message is larger than max_recv_msg_size_mib once inflated",
	.listen = listen_and_serve,
	.close = engine_close,
	.stop = stop,
	.free = engine_free,
	.address = address,
	.failures = failures,
	.take = take,
	.answer = answer,
};

static void add_methods(struct toll_otlp_grpc *g)
{
	const struct toll_grpc_method methods[] = {
		{ "/" TOLL_OTLP_TRACE_SERVICE "/Export", handle_export, g },
		{ "/grpc.health.v1.Health/Check", toll_otlp_handle_health, g },
		{ COLLECTOR "metrics.v1.MetricsService/Export", refuse_signal, g },
		{ COLLECTOR "logs.v1.LogsService/Export", refuse_signal, g },
		{ COLLECTOR "profiles.v1development.ProfilesService/Export", refuse_signal, g },
	};

	static_assert(sizeof(methods) == sizeof(g->methods), "one for one");
	memcpy(g->methods, methods, sizeof(methods));
}

struct toll_otlp_engine *toll_otlp_grpc_new(struct toll_otlp *o)
{
	const struct toll_otlp_grpc_config *c = &o->config->protocols.grpc;
	struct toll_otlp_engine_settings set = {
		.endpoint = c->endpoint,
		.transport = c->transport,
		.workers = c->workers,
		.max_message_bytes = (size_t)c->max_recv_msg_size_mib << 20,
		.tls = &c->tls,
		.auth = &c->auth,
	};
	struct toll_otlp_grpc *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	if (toll_otlp_engine_init(&g->super, &ops, o, &set) < 0) {
		free(g);
		return NULL;
	}
	add_methods(g);
	return &g->super;
}
