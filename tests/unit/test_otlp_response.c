/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told, read back by protobuf-c. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "base/error.h"
#include "proto/batch.h"
#include "proto/google_rpc.pb-c.h"
#include "proto/otlp_collector.pb-c.h"
#include "receivers/otlp/response.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse Response;

static const uint8_t *bytes(struct toll_slice s)
{
	return (const uint8_t *)(const void *)s.ptr;
}

static void full_success_is_empty(void **state)
{
	char buf[TOLL_RESPONSE_MAX];

	(void)state;
	assert_int_equal(toll_otlp_response(TOLL_OTLP_PROTOBUF, 0, TOLL_DROP_NOT, buf).len, 0);
}

static void rejected_spans_come_with_number_and_reason(void **state)
{
	static const uint32_t counts[] = { 1, 2, 100000, UINT32_MAX };
	char buf[TOLL_RESPONSE_MAX], want[32];

	(void)state;
	for (size_t i = 0; i < TOLL_COUNT(counts); i++)
		for (uint8_t why = TOLL_DROP_BAD_ID; why <= TOLL_DROP_FILTERED; why++) {
			struct toll_slice s =
				toll_otlp_response(TOLL_OTLP_PROTOBUF, counts[i], why, buf);
			Response *r =
				opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(
					NULL, s.len, bytes(s));

			assert_non_null(r);
			assert_non_null(r->partial_success);
			assert_int_equal(r->partial_success->rejected_spans, counts[i]);
			snprintf(want, sizeof(want), "%u span%s rejected: ", counts[i],
			         counts[i] == 1 ? "" : "s");
			assert_memory_equal(r->partial_success->error_message, want, strlen(want));
			assert_true(strlen(r->partial_success->error_message) > strlen(want));
			opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked(
				r, NULL);
		}
}

static void refusals_say_when_to_come_back(void **state)
{
	char buf[TOLL_RESPONSE_MAX];
	struct toll_slice s = toll_otlp_status(TOLL_OTLP_PROTOBUF, 14, "queue full", 12345, buf);
	Google__Rpc__Status *status = google__rpc__status__unpack(NULL, s.len, bytes(s));
	Google__Rpc__RetryInfo *retry;

	(void)state;
	assert_non_null(status);
	assert_int_equal(status->code, 14);
	assert_string_equal(status->message, "queue full");
	assert_int_equal(status->n_details, 1);
	assert_string_equal(status->details[0]->type_url,
	                    "type.googleapis.com/google.rpc.RetryInfo");
	retry = google__rpc__retry_info__unpack(NULL, status->details[0]->value.len,
	                                        status->details[0]->value.data);
	assert_non_null(retry);
	assert_int_equal(retry->retry_delay->seconds, 12);
	assert_int_equal(retry->retry_delay->nanos, 345000000);
	google__rpc__retry_info__free_unpacked(retry, NULL);
	google__rpc__status__free_unpacked(status, NULL);
}

static void a_long_sentence_fits(void **state)
{
	char buf[TOLL_RESPONSE_MAX], sentence[1000];
	struct toll_slice s;

	(void)state;
	memset(sentence, 'x', sizeof(sentence));
	sentence[sizeof(sentence) - 1] = '\0';
	s = toll_otlp_status(TOLL_OTLP_PROTOBUF, 14, sentence, 30000, buf);
	assert_true(s.len < TOLL_RESPONSE_MAX);
	memset(sentence, 1, sizeof(sentence) - 1); /* \u0001 each */
	s = toll_otlp_status(TOLL_OTLP_JSON, 14, sentence, 30000, buf);
	assert_true(s.len > 255 * 6 && s.len < TOLL_RESPONSE_MAX);
}

static void json_says_the_same(void **state)
{
	char buf[TOLL_RESPONSE_MAX];

	(void)state;
	assert_true(toll_slice_is(toll_otlp_response(TOLL_OTLP_JSON, 0, 0, buf), "{}"));
	assert_true(toll_slice_is(
		toll_otlp_response(TOLL_OTLP_JSON, 2, TOLL_DROP_UNDECODABLE, buf),
		"{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"2 spans "
		"rejected: the Span message is malformed\"}}"));
	assert_true(toll_slice_is(toll_otlp_status(TOLL_OTLP_JSON, 3, "no \"x\"", 0, buf),
	                          "{\"code\":3,\"message\":\"no \\\"x\\\"\"}"));
	assert_true(toll_slice_is(
		toll_otlp_status(TOLL_OTLP_JSON, 14, "full", 2045, buf),
		"{\"code\":14,\"message\":\"full\",\"details\":[{\"@type\":\"type.googleapis.com/"
		"google.rpc.RetryInfo\",\"retryDelay\":\"2.045s\"}]}"));
}

static void delays_lie_between_1_and_30_s_and_differ(void **state)
{
	uint32_t least = UINT32_MAX, most = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint32_t ms = toll_retry_delay_ms();

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, 1000, 1500);
	assert_in_range(most, 4000, 30000);
}

/* The receiver's statuses are the list of errors: OTLP clients retry on 14, and never on 3, 8, 12.
 */
static void errors_have_the_status_that_otlp_wants(void **state)
{
	(void)state;
	assert_int_equal(toll_err_grpc_status(TOLL_EFULL), 14);
	assert_int_equal(toll_err_grpc_status(TOLL_ENOMEM), 14);
	assert_int_equal(toll_err_grpc_status(TOLL_ESHUTDOWN), 14);
	assert_int_equal(toll_err_grpc_status(TOLL_EINVALID), 3);
	assert_int_equal(toll_err_grpc_status(TOLL_ETOOBIG), 8);
	assert_int_equal(toll_err_grpc_status(TOLL_EUNSUPPORTED), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_success_is_empty),
		cmocka_unit_test(rejected_spans_come_with_number_and_reason),
		cmocka_unit_test(refusals_say_when_to_come_back),
		cmocka_unit_test(a_long_sentence_fits),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(delays_lie_between_1_and_30_s_and_differ),
		cmocka_unit_test(errors_have_the_status_that_otlp_wants),
	};

	return cmocka_run_group_tests_name("otlp_response", tests, NULL, NULL);
}
