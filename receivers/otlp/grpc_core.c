/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_core.c - the gRPC engine: TraceService/Export on net/grpc_server. */
#include <stdlib.h>

#include "base/clock.h"
#include "net/grpc_server.h"
#include "receivers/otlp/otlp.h"
#include "receivers/otlp/response.h"
#include "receivers/otlp/transport.h"

enum { UNAVAILABLE = 14 };

/* ---- Export ---- */

static void take(struct toll_otlp_request *r, char *out)
{
	toll_grpc_call_take(toll_grpc_call_of(r), out);
}

/* Overload is UNAVAILABLE with the time to come back; what can never succeed says so without. */
static void answer(struct toll_otlp_request *r, int err, const char *why,
                   struct toll_slice response)
{
	struct toll_grpc_answer a = { .status = err ? toll_err_grpc_status(err) : 0,
		                      .message = err ? why : NULL,
		                      .response = response };
	char buf[TOLL_RESPONSE_MAX];

	if (a.status == UNAVAILABLE)
		a.details = toll_retry_status(a.status, why, toll_retry_delay_ms(), buf);
	toll_grpc_answer(toll_grpc_call_of(r), &a);
}

static const struct toll_otlp_engine engine = { take, answer };

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

static void handle_export(void *ctx, struct toll_grpc_call *c)
{
	struct toll_otlp_request *r = toll_grpc_call_data(c);
	char peer[64];
	struct toll_otlp_body body = { .size = toll_grpc_call_size(c),
		                       .encoding = encoding_of(c),
		                       .worker = toll_grpc_call_worker(c),
		                       .peer = peer };

	toll_grpc_call_peer(c, peer, sizeof(peer));
	r->engine = &engine;
	toll_otlp_export(ctx, r, &body);
}

/* ---- life ---- */

/* Core's own buffers: what may be on its way in before the byte budget sees it. */
static size_t core_memory(const struct toll_otlp *o)
{
	return (16 + 8 * (size_t)o->workers) * o->max_message_bytes;
}

int toll_otlp_grpc_start(struct toll_otlp *o, struct toll_error *reterr)
{
	const struct toll_otlp_grpc_config *c = &o->config->protocols.grpc;
	const struct toll_otlp_keepalive *k = &c->keepalive.server_parameters;
	const struct toll_otlp_enforcement *e = &c->keepalive.enforcement_policy;
	struct toll_grpc_server_settings set = {
		.endpoint = o->endpoint,
		.setting = o->setting,
		.thread = "toll-otlp",
		.methods = o->methods,
		.method_count = TOLL_COUNT(o->methods),
		.workers = o->workers,
		.call_size = sizeof(struct toll_otlp_request),
		.max_message_bytes = o->max_message_bytes,
		.read_buffer_bytes = c->read_buffer_size,
		.memory_bytes = core_memory(o),
		.max_streams = (unsigned)c->max_concurrent_streams,
		.max_connection_idle_ns = k->max_connection_idle,
		.max_connection_age_ns = k->max_connection_age,
		.max_connection_age_grace_ns = k->max_connection_age_grace,
		.keepalive_time_ns = k->time,
		.keepalive_timeout_ns = k->timeout,
		.keepalive_min_time_ns = e->min_time,
		.keepalive_permit_without_stream = e->permit_without_stream,
	};

	o->methods[0] = (struct toll_grpc_method){ "/" TOLL_OTLP_TRACE_SERVICE "/Export",
		                                   handle_export, o };
	o->methods[1] = (struct toll_grpc_method){ "/grpc.health.v1.Health/Check",
		                                   toll_otlp_handle_health, o };
	return toll_grpc_server_new(&set, &o->server, reterr);
}
