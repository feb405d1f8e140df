/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp_http/verdict.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#define PROTO "application/x-protobuf"
#define JSON  "application/json; charset=utf-8"

static const struct {
	int status;
	enum toll_otlp_out_fate fate;
	int err;
} statuses[] = {
	{ 200, TOLL_OTLP_OUT_SENT, 0 },           { 202, TOLL_OTLP_OUT_SENT, 0 },
	{ 204, TOLL_OTLP_OUT_SENT, 0 },           { 301, TOLL_OTLP_OUT_REFUSED, 0 },
	{ 400, TOLL_OTLP_OUT_REFUSED, 0 },        { 401, TOLL_OTLP_OUT_REFUSED, 0 },
	{ 408, TOLL_OTLP_OUT_REFUSED, 0 },        { 413, TOLL_OTLP_OUT_TOO_LARGE, 0 },
	{ 429, TOLL_OTLP_OUT_RETRY, TOLL_EFULL }, { 500, TOLL_OTLP_OUT_REFUSED, 0 },
	{ 501, TOLL_OTLP_OUT_REFUSED, 0 },        { 502, TOLL_OTLP_OUT_RETRY, TOLL_EDOWN },
	{ 503, TOLL_OTLP_OUT_RETRY, TOLL_EDOWN }, { 504, TOLL_OTLP_OUT_RETRY, TOLL_ETIMEOUT },
};

static void statuses_mean_what_otlp_says(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(statuses); i++) {
		const struct toll_http_reply r = { .status = statuses[i].status,
			                           .content_type = "",
			                           .retry_after_ns = TOLL_S };
		struct toll_otlp_http_out_words words;
		struct toll_otlp_out_verdict v = toll_otlp_http_out_verdict(&r, &words);
		bool retry = v.fate == TOLL_OTLP_OUT_RETRY;

		assert_int_equal(v.fate, statuses[i].fate);
		assert_int_equal(v.err, statuses[i].err);
		assert_int_equal(retry, toll_err_retryable(v.err));
		assert_true(v.retry_after_ns == (retry ? TOLL_S : 0));
		assert_int_equal(v.message.len, 0);
	}
}

static void no_answer_is_tried_again(void **state TOLL_UNUSED)
{
	const struct toll_http_reply r = { .err = TOLL_EDOWN,
		                           .why = "refused",
		                           .content_type = "" };
	struct toll_otlp_http_out_words words;
	struct toll_otlp_out_verdict v = toll_otlp_http_out_verdict(&r, &words);

	assert_int_equal(v.fate, TOLL_OTLP_OUT_RETRY);
	assert_int_equal(v.err, TOLL_EDOWN);
	assert_string_equal(v.status, "no answer");
	assert_true(toll_slice_is(v.message, "refused"));
}

static const struct {
	int status;
	const char *type, *body;
	size_t len;
	uint64_t rejected;
	bool unreadable;
	const char *message;
} bodies[] = {
	{ 200, PROTO, "\x0a\x06\x08\x07\x12\x02no", 8, 7, false, "no" },
	{ 200, PROTO, "\x0a\x04\x12\x02ok", 6, 0, false, "ok" },
	{ 200, JSON, "{\"partialSuccess\":{\"rejectedSpans\":7}}", 38, 7, false, "" },
	{ 200, JSON, "{}", 2, 0, false, "" },
	{ 200, JSON, "{", 1, 0, true, "" },
	{ 200, "text/html", "<p>", 3, 0, true, "" },
	{ 400, PROTO,
	  "\x08\x03\x12\x03"
	  "bad",
	  7, 0, false, "bad" },
	{ 400, JSON, "{\"code\":3,\"message\":\"bad\"}", 26, 0, false, "bad" },
	{ 400, JSON, "{\"error\":", 9, 0, false, "{\"error\":" },
	{ 400, "text/plain", "not here", 8, 0, false, "not here" },
	{ 503, "", "<html>", 6, 0, false, "<html>" },
};

static void what_the_destination_says_is_read(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(bodies); i++) {
		const struct toll_http_reply r = { .status = bodies[i].status,
			                           .content_type = bodies[i].type,
			                           .body = { bodies[i].body, bodies[i].len } };
		struct toll_otlp_http_out_words words;
		struct toll_otlp_out_verdict v = toll_otlp_http_out_verdict(&r, &words);

		assert_int_equal(v.rejected, bodies[i].rejected);
		assert_int_equal(v.unreadable, bodies[i].unreadable);
		assert_true(toll_slice_is(v.message, bodies[i].message));
	}
}

static void a_long_answer_is_cut(void **state TOLL_UNUSED)
{
	static char page[64 << 10];
	const struct toll_http_reply r = { .status = 502,
		                           .content_type = JSON,
		                           .body = { page, sizeof(page) } };
	struct toll_otlp_http_out_words words;

	memset(page, 'x', sizeof(page));
	assert_int_equal(toll_otlp_http_out_verdict(&r, &words).message.len, sizeof(words.text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_mean_what_otlp_says),
		cmocka_unit_test(no_answer_is_tried_again),
		cmocka_unit_test(what_the_destination_says_is_read),
		cmocka_unit_test(a_long_answer_is_cut),
	};

	return cmocka_run_group_tests_name("otlp_http_out_verdict", tests, NULL, NULL);
}
