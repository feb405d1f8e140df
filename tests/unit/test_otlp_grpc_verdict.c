/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp/verdict.h"

#include "tests/unit/unit.h"

enum { EXHAUSTED = 8, OUT_OF_RANGE = 11 };

static enum toll_otlp_out_fate fate(int status, const char *message, size_t size)
{
	const struct toll_grpc_reply r = { .status = status, .message = message };

	return toll_otlp_grpc_out_verdict(&r, size).fate;
}

/* What servers of several languages say to a message that is over their limit. */
static void sentences_about_the_size_of_a_message_are_known(void **state TOLL_UNUSED)
{
	static const char *const sentences[] = {
		"grpc: received message larger than max (5000000 vs. 4194304)",
		"grpc: received message after decompression larger than max 4194304",
		"Received message larger than max (5000000 vs. 4194304)",
		"gRPC message exceeds maximum size 4194304: 5000000",
		"Received message exceeds the maximum configured message size.",
		"Error, decoded message length too large: found 5000000 bytes, the limit is: "
		"4194304",
	};

	for (size_t i = 0; i < TOLL_COUNT(sentences); i++)
		assert_int_equal(fate(EXHAUSTED, sentences[i], 100), TOLL_OTLP_OUT_TOO_LARGE);
	assert_int_equal(fate(OUT_OF_RANGE, sentences[5], 100), TOLL_OTLP_OUT_TOO_LARGE);
	assert_int_equal(fate(OUT_OF_RANGE, "offset", 100), TOLL_OTLP_OUT_RETRY);
}

static void a_full_quota_is_not_split(void **state TOLL_UNUSED)
{
	assert_int_equal(fate(EXHAUSTED, "over your quota", 100), TOLL_OTLP_OUT_REFUSED);
	assert_int_equal(fate(EXHAUSTED, "", (4 << 20) + 1), TOLL_OTLP_OUT_TOO_LARGE);
}

static void retryable_statuses_have_an_error_that_is(void **state TOLL_UNUSED)
{
	for (int status = 1; status < 20; status++) {
		const struct toll_grpc_reply r = { .status = status, .message = "why" };
		struct toll_otlp_out_verdict v = toll_otlp_grpc_out_verdict(&r, 1);

		assert_int_equal(v.fate == TOLL_OTLP_OUT_RETRY, toll_err_retryable(v.err));
		assert_true(toll_slice_is(v.message, "why"));
	}
	assert_string_equal(toll_otlp_grpc_out_status_name(14), "UNAVAILABLE");
	assert_string_equal(toll_otlp_grpc_out_status_name(17), "an unknown status");
	assert_string_equal(toll_otlp_grpc_out_status_name(-1), "an unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences_about_the_size_of_a_message_are_known),
		cmocka_unit_test(a_full_quota_is_not_split),
		cmocka_unit_test(retryable_statuses_have_an_error_that_is),
	};

	return cmocka_run_group_tests_name("otlp_out_verdict", tests, NULL, NULL);
}
