/* SPDX-License-Identifier: Apache-2.0 */
/* health.c - grpc.health.v1 Health/Check: the readiness of the process, for probes that speak gRPC.
 */
#include "pipeline/host.h"
#include "proto/grpc_health.pb-c.h"
#include "receivers/otlp/grpc.h"

enum { INVALID_ARGUMENT = 3, NOT_FOUND = 5, UNIMPLEMENTED = 12 };

/* Of a request, as sent and inflated; more than the name of a service is not expected. */
enum { REQUEST_MAX = 1024 };

static void refuse(struct toll_grpc_call *c, int status, const char *why)
{
	toll_grpc_answer(c, &(struct toll_grpc_answer){ .status = status, .message = why });
}

static void answer(struct toll_grpc_call *c, bool serving)
{
	Grpc__Health__V1__HealthCheckResponse response =
		GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	char buf[16];
	size_t len;

	response.status = serving ? GRPC__HEALTH__V1__SERVING_STATUS__SERVING
	                          : GRPC__HEALTH__V1__SERVING_STATUS__NOT_SERVING;
	len = grpc__health__v1__health_check_response__pack(&response, (uint8_t *)buf);
	toll_grpc_answer(c, &(struct toll_grpc_answer){ .response = toll_slice(buf, len) });
}

/* NULL: malformed. */
static Grpc__Health__V1__HealthCheckRequest *read_request(struct toll_otlp_grpc *g,
                                                          struct toll_grpc_call *c)
{
	struct toll_inflater *z = &g->super.inflaters[toll_grpc_call_worker(c)];
	char sent[REQUEST_MAX], inflated[REQUEST_MAX];
	size_t size = toll_grpc_call_size(c);
	const char *bytes = sent;
	bool gzip;

	if (size > sizeof(sent))
		return NULL;
	gzip = toll_grpc_call_encoding(c) == TOLL_GRPC_GZIP;
	toll_grpc_call_take(c, sent);
	if (gzip) {
		if (toll_inflate(z, TOLL_ENCODING_GZIP, toll_slice(sent, size), inflated,
		                 sizeof(inflated), &size) < 0)
			return NULL;
		bytes = inflated;
	}
	return grpc__health__v1__health_check_request__unpack(NULL, size, (const uint8_t *)bytes);
}

void toll_otlp_handle_health(void *ctx, struct toll_grpc_call *c)
{
	struct toll_otlp_grpc *g = ctx;
	Grpc__Health__V1__HealthCheckRequest *request;

	if (toll_grpc_call_encoding(c) == TOLL_GRPC_OTHER) {
		refuse(c, UNIMPLEMENTED, "unknown compression: send gzip or identity");
		return;
	}
	request = read_request(g, c);
	if (!request)
		refuse(c, INVALID_ARGUMENT, "malformed HealthCheckRequest");
	else if (*request->service && strcmp(request->service, TOLL_OTLP_TRACE_SERVICE) != 0)
		refuse(c, NOT_FOUND, "unknown service");
	else
		answer(c, toll_host_ready(g->super.receiver->super.super.host));
	if (request)
		grpc__health__v1__health_check_request__free_unpacked(request, NULL);
}
