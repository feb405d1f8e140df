/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says, written by protobuf-c, read by ours. */
#include "proto/otlp_answer.h"

#include "base/macro.h"
#include "proto/google_rpc.pb-c.h"
#include "proto/otlp_collector.pb-c.h"
#include "tests/unit/unit.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse Response;
typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTracePartialSuccess Partial;

static char bytes[4096];

static struct toll_slice response(int64_t rejected, char *message)
{
	Partial partial;
	Response r;

	opentelemetry__proto__collector__trace__v1__export_trace_partial_success__init(&partial);
	opentelemetry__proto__collector__trace__v1__export_trace_service_response__init(&r);
	partial.rejected_spans = rejected;
	partial.error_message = message;
	r.partial_success = &partial;
	return toll_slice(
		bytes,
		opentelemetry__proto__collector__trace__v1__export_trace_service_response__pack(
			&r, (uint8_t *)bytes));
}

static void rejected_spans_and_warnings_are_read(void **state TOLL_UNUSED)
{
	static char text[] = "too old";
	struct toll_otlp_answer a = toll_otlp_answer_read(response(3, text));

	assert_int_equal(a.rejected, 3);
	assert_true(toll_slice_is(a.message, "too old"));
	a = toll_otlp_answer_read(response(0, text));
	assert_int_equal(a.rejected, 0);
	assert_true(toll_slice_is(a.message, "too old"));
	a = toll_otlp_answer_read(response(-1, text));
	assert_int_equal(a.rejected, 0);
	a = toll_otlp_answer_read(TOLL_SLICE(""));
	assert_int_equal(a.rejected, 0);
	assert_int_equal(a.message.len, 0);
}

/* A status with this delay, behind a detail of another type. */
static struct toll_slice status(int64_t seconds, int32_t nanos, const char *type)
{
	static char text[] = "slow down", other[] = "type.googleapis.com/google.rpc.Help";
	char type_url[128];
	uint8_t packed[64];
	Google__Rpc__Any any, help, *details[] = { &help, &any };
	Google__Rpc__Duration delay;
	Google__Rpc__RetryInfo retry;
	Google__Rpc__Status s;

	google__rpc__any__init(&any);
	google__rpc__any__init(&help);
	google__rpc__duration__init(&delay);
	google__rpc__retry_info__init(&retry);
	google__rpc__status__init(&s);
	help.type_url = other;
	delay.seconds = seconds;
	delay.nanos = nanos;
	retry.retry_delay = &delay;
	snprintf(type_url, sizeof(type_url), "type.googleapis.com/google.rpc.%s", type);
	any.type_url = type_url;
	any.value.data = packed;
	any.value.len = google__rpc__retry_info__pack(&retry, packed);
	s.code = 8;
	s.message = text;
	s.details = details;
	s.n_details = 2;
	return toll_slice(bytes, google__rpc__status__pack(&s, (uint8_t *)bytes));
}

static void the_delay_of_retry_info_is_read(void **state TOLL_UNUSED)
{
	static const struct {
		int64_t seconds;
		int32_t nanos;
		uint64_t ns;
	} cases[] = {
		{ 0, 0, 0 },
		{ 1, 250000000, 1250000000 },
		{ -1, 0, 0 },
		{ 0, -1, 0 },
		{ 0, 1000000000, UINT64_MAX }, /* not a Duration */
		{ INT64_MAX, 0, UINT64_MAX },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_rpc_status s =
			toll_rpc_status_read(status(cases[i].seconds, cases[i].nanos, "RetryInfo"));

		assert_true(s.has_retry_delay);
		assert_int_equal(s.retry_delay_ns, cases[i].ns);
		assert_true(toll_slice_is(s.message, "slow down"));
	}
	assert_false(toll_rpc_status_read(status(1, 0, "ErrorInfo")).has_retry_delay);
}

static void cut_or_garbled_bytes_read_as_less(void **state TOLL_UNUSED)
{
	struct toll_slice whole = status(5, 0, "RetryInfo");

	for (size_t len = 0; len < whole.len; len++)
		assert_false(toll_rpc_status_read(toll_slice(whole.ptr, len)).has_retry_delay);
}

static void only_otlps_own_list_is_tried_again(void **state TOLL_UNUSED)
{
	for (int code = 0; code < 20; code++) {
		bool always = code == 1 || code == 4 || code == 10 || code == 11 || code == 14 ||
		              code == 15;

		assert_int_equal(toll_otlp_retryable(code, false), always);
		assert_int_equal(toll_otlp_retryable(code, true), always || code == 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rejected_spans_and_warnings_are_read),
		cmocka_unit_test(the_delay_of_retry_info_is_read),
		cmocka_unit_test(cut_or_garbled_bytes_read_as_less),
		cmocka_unit_test(only_otlps_own_list_is_tried_again),
	};

	return cmocka_run_group_tests_name("otlp_answer", tests, NULL, NULL);
}
