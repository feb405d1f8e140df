/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_core.c - the gRPC engine: TraceService/Export and grpc.health.v1 on net/grpc_server. */
#include <stdlib.h>

#include "base/thread.h"
#include "net/grpc_server.h"
#include "pipeline/host.h"
#include "proto/grpc_health.pb-c.h"
#include "receivers/otlp/otlp.h"
#include "receivers/otlp/response.h"
#include "receivers/otlp/transport.h"

#define TRACE_SERVICE "opentelemetry.proto.collector.trace.v1.TraceService"

/* ---- Export
 * -------------------------------------------------------------------------------------- */

static void take(struct toll_otlp_request *r, char *out)
{
	toll_grpc_call_take(r->call, out);
}

/* Overload is UNAVAILABLE with the time to come back; what can never succeed says so without. */
static void answer(struct toll_otlp_request *r, int err, const char *why,
                   struct toll_slice response)
{
	enum toll_grpc_status status = (enum toll_grpc_status)toll_err_grpc_status(err);
	struct toll_slice details = { 0 };
	char buf[TOLL_RESPONSE_MAX];

	if (!err) {
		toll_grpc_reply(r->call, response);
		return;
	}
	if (status == TOLL_GRPC_UNAVAILABLE)
		details = toll_retry_status(status, why, toll_retry_delay_ms(), buf);
	toll_grpc_refuse(r->call, status, why, details);
}

static const struct toll_otlp_engine engine = { take, answer };

static void handle_export(void *ctx, struct toll_grpc_call *c)
{
	struct toll_otlp_request *r = toll_grpc_call_state(c);

	r->engine = &engine;
	r->call = c;
	toll_otlp_export(ctx, r, toll_grpc_call_size(c),
	                 toll_grpc_call_encoding(c) == TOLL_GRPC_GZIP ? TOLL_ENCODING_GZIP
	                                                              : TOLL_ENCODING_IDENTITY);
}

/* ---- health
 * ---------------------------------------------------------------------------------------- */

static void reply_health(struct toll_grpc_call *c, bool serving)
{
	Grpc__Health__V1__HealthCheckResponse response =
		GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	char buf[16];

	response.status = serving ? GRPC__HEALTH__V1__SERVING_STATUS__SERVING
	                          : GRPC__HEALTH__V1__SERVING_STATUS__NOT_SERVING;
	toll_grpc_reply(c, toll_slice(buf, grpc__health__v1__health_check_response__pack(
						   &response, (uint8_t *)buf)));
}

/* service: "" is the whole server. */
static void answer_health(struct toll_otlp *o, struct toll_grpc_call *c, const char *service)
{
	if (*service && strcmp(service, TRACE_SERVICE) != 0)
		toll_grpc_refuse(c, TOLL_GRPC_NOT_FOUND, "unknown service", toll_slice(NULL, 0));
	else
		reply_health(c, toll_host_ready(o->super.super.host));
}

enum { HEALTH_REQUEST_MAX = 1024 };

static void handle_health(void *ctx, struct toll_grpc_call *c)
{
	Grpc__Health__V1__HealthCheckRequest *request;
	size_t size = toll_grpc_call_size(c);
	char bytes[HEALTH_REQUEST_MAX];

	if (size > sizeof(bytes) || toll_grpc_call_encoding(c) != TOLL_GRPC_IDENTITY) {
		toll_grpc_refuse(c, TOLL_GRPC_INVALID_ARGUMENT, "no health check looks like this",
		                 toll_slice(NULL, 0));
		return;
	}
	toll_grpc_call_take(c, bytes);
	request = grpc__health__v1__health_check_request__unpack(NULL, size, (uint8_t *)bytes);
	if (!request) {
		toll_grpc_refuse(c, TOLL_GRPC_INVALID_ARGUMENT, "malformed HealthCheckRequest",
		                 toll_slice(NULL, 0));
		return;
	}
	answer_health(ctx, c, request->service);
	grpc__health__v1__health_check_request__free_unpacked(request, NULL);
}

/* ---- start
 * ------------------------------------------------------------------------------------------- */

/* The library's own buffers: what may be on its way in before the byte budget sees it. */
static size_t library_memory(const struct toll_otlp *o, unsigned workers)
{
	size_t messages = 16 + 8 * (size_t)workers;

	return messages * o->max_message_bytes;
}

int toll_otlp_grpc_start(struct toll_otlp *o, struct toll_error *reterr)
{
	const struct toll_otlp_grpc_config *c = &o->config->protocols.grpc;
	const struct toll_grpc_method methods[] = {
		{ "/" TRACE_SERVICE "/Export", handle_export, o },
		{ "/grpc.health.v1.Health/Check", handle_health, o },
	};
	struct toll_grpc_server_settings set = {
		.endpoint = c->endpoint.ptr,
		.setting = o->setting,
		.methods = methods,
		.method_count = TOLL_COUNT(methods),
		.workers = c->workers ? (unsigned)c->workers : toll_cpu_count(),
		.max_message_bytes = o->max_message_bytes,
		.max_concurrent_streams = c->max_concurrent_streams,
		.max_connection_idle = c->keepalive.server_parameters.max_connection_idle,
		.max_connection_age = c->keepalive.server_parameters.max_connection_age,
		.max_connection_age_grace = c->keepalive.server_parameters.max_connection_age_grace,
		.keepalive_time = c->keepalive.server_parameters.time,
		.keepalive_timeout = c->keepalive.server_parameters.timeout,
		.keepalive_min_time = c->keepalive.enforcement_policy.min_time,
		.keepalive_permit_without_stream =
			c->keepalive.enforcement_policy.permit_without_stream,
	};
	int err;

	set.max_memory_bytes = library_memory(o, set.workers);
	err = toll_grpc_server_new(&set, &o->server, reterr);
	return err ? err : toll_grpc_server_start(o->server, reterr);
}
