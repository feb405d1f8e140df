/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cost_record_read.h"

#include <string.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static char line[4096], room[4096];
static struct toll_cost_record record;
static struct toll_error why;

static int read_text(const char *text)
{
	size_t len = strlen(text);

	memcpy(line, text, len);
	return toll_cost_record_read(line, len, room, &record, &why);
}

static bool has_text(const char *name, const char *value)
{
	return toll_slice_is(toll_cost_record_text(&record, toll_slice_str(name)), value);
}

static void a_record_is_read_as_it_was_written(void **state TOLL_UNUSED)
{
	assert_int_equal(read_text("{\"trace_id\":\"4bf9\",\"service\":\"pay\\u00e9 \\\"x\\\"\","
	                           "\"operation\":\"/pay\",\"cost_amount\":0.0000004,"
	                           "\"timestamp\":1795000000000,\"span_id\":\"00\",\"received_ms\":"
	                           "1795000000123,\"adjusted_count\":4,\"tenant\":\"acme\",\"new\":"
	                           "{\"service\":"
	                           "\"no\",\"list\":[\"service\",1]},\"more\":null,\"flag\":true}"),
	                 0);
	assert_true(has_text("service", "pay\xc3\xa9 \"x\"") && has_text("tenant", "acme"));
	assert_true(has_text("model", ""));
	assert_true(record.pico == 400000 && record.total_pico == 1600000 && !record.unpriced);
	assert_true(record.timestamp_ms == UINT64_C(1795000000000));
	assert_true(record.received_ms == UINT64_C(1795000000123));
}

static void the_five_fields_of_the_seed_are_enough(void **state TOLL_UNUSED)
{
	assert_int_equal(read_text("{\"trace_id\":\"\",\"service\":\"a\",\"operation\":\"o\","
	                           "\"cost_amount\":1.5e-3,\"timestamp\":1.795e12}"),
	                 0);
	assert_true(record.total_pico == INT64_C(1500000000) && record.received_ms == 0);
}

static void what_stands_for_a_third_more_is_weighed(void **state TOLL_UNUSED)
{
	assert_int_equal(
		read_text("{\"service\":\"a\",\"cost_amount\":3,\"timestamp\":1795000000000,"
	                  "\"adjusted_count\":1.333333333}"),
		0);
	assert_true(record.total_pico == INT64_C(3999999999000));
}

static void an_unpriced_span_costs_nothing(void **state TOLL_UNUSED)
{
	assert_int_equal(
		read_text("{\"service\":\"a\",\"cost_amount\":0,\"timestamp\":1795000000000,"
	                  "\"cost_error\":\"no pricing data for a:b\"}"),
		0);
	assert_true(record.unpriced && record.total_pico == 0);
}

static void what_is_no_record_is_said(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "premature EOF" },
		{ "{\"service\":\"a\"", "premature EOF" },
		{ "[{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":1795000000000}]",
		  "not an object" },
		{ "{}", "it needs service, cost_amount and timestamp" },
		{ "{\"resourceSpans\":[]}", "it needs service" },
		{ "{\"service\":\"a\",\"cost_amount\":-1,\"timestamp\":1795000000000}",
		  "no amount of dollars" },
		{ "{\"service\":\"a\",\"cost_amount\":1e30,\"timestamp\":1795000000000}",
		  "no amount of dollars" },
		{ "{\"service\":\"a\",\"cost_amount\":\"1\",\"timestamp\":1795000000000}",
		  "it needs" },
		{ "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":-5}", "milliseconds" },
		{ "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":1e300}", "milliseconds" },
		{ "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":1795000000000,"
		  "\"adjusted_count\":1e10}",
		  "no number of spans" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_true(read_text(cases[i].text) < 0);
		if (!strstr(why.text, cases[i].why))
			fail_msg("%s: %s", cases[i].text, why.text);
	}
}

static void members_beyond_the_room_are_left_out(void **state TOLL_UNUSED)
{
	char text[4000] = "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":1795000000000";
	size_t len = strlen(text);

	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",\"m%d\":\"v%d\"", i, i);
	snprintf(text + len, sizeof(text) - len, "}");
	assert_int_equal(read_text(text), 0);
	assert_int_equal(record.text_count, TOLL_RECORD_TEXTS);
	assert_true(has_text("m30", "v30") && has_text("m31", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_as_it_was_written),
		cmocka_unit_test(the_five_fields_of_the_seed_are_enough),
		cmocka_unit_test(what_stands_for_a_third_more_is_weighed),
		cmocka_unit_test(an_unpriced_span_costs_nothing),
		cmocka_unit_test(what_is_no_record_is_said),
		cmocka_unit_test(members_beyond_the_room_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
