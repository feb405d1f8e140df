/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/response.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "proto/batch.h"
#include "proto/google_rpc.pb-c.h"
#include "proto/json_write.h"
#include "proto/otlp_collector.pb-c.h"

#define RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"

enum { MESSAGE_MAX = 256 };

static const char *const reasons[] = {
	[TOLL_DROP_NOT] = "",
	[TOLL_DROP_BAD_ID] = "trace_id or span_id has the wrong length or is all zeros",
	[TOLL_DROP_UNDECODABLE] = "the Span message is malformed",
	[TOLL_DROP_TOO_DEEP] = "attribute values are nested deeper than 64",
	[TOLL_DROP_FILTERED] = "filtered",
	[TOLL_DROP_REPEATED] = "taken before",
};

static char *put(char *out, const char *text)
{
	return toll_json_raw(out, toll_slice_str(text));
}

static struct toll_slice until(const char *buf, const char *end)
{
	return toll_slice(buf, (size_t)(end - buf));
}

/* ---- success ---- */

static struct toll_slice partial_protobuf(uint32_t rejected, char *text,
                                          char buf[TOLL_RESPONSE_MAX])
{
	Opentelemetry__Proto__Collector__Trace__V1__ExportTracePartialSuccess partial;
	Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse response;
	size_t len;

	opentelemetry__proto__collector__trace__v1__export_trace_partial_success__init(&partial);
	opentelemetry__proto__collector__trace__v1__export_trace_service_response__init(&response);
	partial.rejected_spans = rejected;
	partial.error_message = text;
	response.partial_success = &partial;
	len = opentelemetry__proto__collector__trace__v1__export_trace_service_response__pack(
		&response, (uint8_t *)buf);
	assert(len <= TOLL_RESPONSE_MAX);
	return toll_slice(buf, len);
}

/* 64-bit integers are strings in proto3 JSON. */
static struct toll_slice partial_json(uint32_t rejected, const char *text,
                                      char buf[TOLL_RESPONSE_MAX])
{
	char *end = put(buf, "{\"partialSuccess\":{\"rejectedSpans\":\"");

	end = toll_json_uint(end, rejected);
	end = put(end, "\",\"errorMessage\":");
	end = toll_json_string(end, toll_slice_str(text));
	return until(buf, put(end, "}}"));
}

struct toll_slice toll_otlp_response(enum toll_otlp_format format, uint32_t rejected,
                                     uint8_t reason, char buf[TOLL_RESPONSE_MAX])
{
	char text[MESSAGE_MAX];

	if (!rejected)
		return format == TOLL_OTLP_JSON ? TOLL_SLICE("{}") : toll_slice("", 0);
	snprintf(text, sizeof(text), "%u span%s rejected: %s", rejected, rejected == 1 ? "" : "s",
	         reasons[reason]);
	return format == TOLL_OTLP_JSON ? partial_json(rejected, text, buf)
	                                : partial_protobuf(rejected, text, buf);
}

/* ---- refusal ---- */

static struct toll_slice status_protobuf(int code, char *text, uint32_t delay_ms,
                                         char buf[TOLL_RESPONSE_MAX])
{
	Google__Rpc__Duration delay = GOOGLE__RPC__DURATION__INIT;
	Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
	Google__Rpc__Any any = GOOGLE__RPC__ANY__INIT, *details[] = { &any };
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	char type_url[] = RETRY_INFO;
	uint8_t packed[64];

	delay.seconds = delay_ms / 1000;
	delay.nanos = (int32_t)(delay_ms % 1000) * 1000000;
	retry.retry_delay = &delay;
	any.type_url = type_url;
	any.value.data = packed;
	any.value.len = google__rpc__retry_info__pack(&retry, packed);
	status.code = code;
	status.message = text;
	status.details = details;
	status.n_details = delay_ms ? 1 : 0;
	return toll_slice(buf, google__rpc__status__pack(&status, (uint8_t *)buf));
}

static struct toll_slice status_json(int code, const char *text, uint32_t delay_ms,
                                     char buf[TOLL_RESPONSE_MAX])
{
	char *end = put(buf, "{\"code\":");

	end = toll_json_uint(end, (uint64_t)code);
	end = put(end, ",\"message\":");
	end = toll_json_string(end, toll_slice_str(text));
	if (delay_ms)
		end += snprintf(end, (size_t)(buf + TOLL_RESPONSE_MAX - end),
		                ",\"details\":[{\"@type\":\"" RETRY_INFO "\",\"retryDelay\":"
		                "\"%u.%03us\"}]",
		                delay_ms / 1000, delay_ms % 1000);
	return until(buf, put(end, "}"));
}

struct toll_slice toll_otlp_status(enum toll_otlp_format format, int grpc_status,
                                   const char *message, uint32_t delay_ms,
                                   char buf[TOLL_RESPONSE_MAX])
{
	char text[MESSAGE_MAX];

	snprintf(text, sizeof(text), "%s", message);
	return format == TOLL_OTLP_JSON ? status_json(grpc_status, text, delay_ms, buf)
	                                : status_protobuf(grpc_status, text, delay_ms, buf);
}

uint32_t toll_retry_delay_ms(void)
{
	uint64_t now = toll_clock_mono_ns();

	return 1000 + (uint32_t)(toll_hash(toll_slice(&now, sizeof(now))) % 4000);
}
