/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/response.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "proto/batch.h"
#include "proto/google_rpc.pb-c.h"
#include "proto/otlp_collector.pb-c.h"

static const char *const reasons[] = {
	[TOLL_DROP_NOT] = "",
	[TOLL_DROP_BAD_ID] = "trace_id or span_id has the wrong length or is all zeros",
	[TOLL_DROP_UNDECODABLE] = "the Span message is malformed",
	[TOLL_DROP_TOO_DEEP] = "attribute values are nested deeper than 64",
	[TOLL_DROP_FILTERED] = "filtered",
};

struct toll_slice toll_otlp_response(uint32_t rejected, uint8_t reason, char buf[TOLL_RESPONSE_MAX])
{
	Opentelemetry__Proto__Collector__Trace__V1__ExportTracePartialSuccess partial;
	Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse response;
	char text[128];
	size_t len;

	if (!rejected)
		return toll_slice("", 0);
	snprintf(text, sizeof(text), "%u span%s rejected: %s", rejected, rejected == 1 ? "" : "s",
	         reasons[reason]);
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

struct toll_slice toll_retry_status(int grpc_status, const char *message, uint32_t delay_ms,
                                    char buf[TOLL_RESPONSE_MAX])
{
	Google__Rpc__Duration delay;
	Google__Rpc__RetryInfo retry;
	Google__Rpc__Any any, *details[] = { &any };
	Google__Rpc__Status status;
	char type_url[] = "type.googleapis.com/google.rpc.RetryInfo", text[128];
	uint8_t packed[64];

	google__rpc__duration__init(&delay);
	google__rpc__retry_info__init(&retry);
	google__rpc__any__init(&any);
	google__rpc__status__init(&status);
	snprintf(text, sizeof(text), "%s", message);
	delay.seconds = delay_ms / 1000;
	delay.nanos = (int32_t)(delay_ms % 1000) * 1000000;
	retry.retry_delay = &delay;
	any.type_url = type_url;
	any.value.data = packed;
	any.value.len = google__rpc__retry_info__pack(&retry, packed);
	status.code = grpc_status;
	status.message = text;
	status.details = details;
	status.n_details = 1;
	return toll_slice(buf, google__rpc__status__pack(&status, (uint8_t *)buf));
}

uint32_t toll_retry_delay_ms(void)
{
	uint64_t now = toll_clock_mono_ns();

	return 1000 + (uint32_t)(toll_hash(toll_slice(&now, sizeof(now))) % 4000);
}
