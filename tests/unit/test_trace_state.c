/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "proto/trace_state.h"
#include "tests/unit/unit.h"

#define NONE UINT64_MAX

static void it_reads_threshold_and_randomness(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		uint64_t threshold, random; /* NONE: not there */
	} cases[] = {
		{ "", NONE, NONE },
		{ "ot=th:c", UINT64_C(0xc0000000000000), NONE },
		{ "ot=th:0", 0, NONE },
		{ "ot=rv:9b8233f7e3a151", NONE, UINT64_C(0x9b8233f7e3a151) },
		{ "a=1, ot=th:8;rv:00000000000001;x:y ,b@c=2", UINT64_C(0x80000000000000), 1 },
		{ "vendor=anything:th:c", NONE, NONE },
		{ ",, ,ot=x:y,", NONE, NONE },
		{ "1a@b=c", NONE, NONE },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_trace_state ts;

		if (!toll_trace_state_parse(toll_slice_str(cases[i].text), &ts) ||
		    ts.has_threshold != (cases[i].threshold != NONE) ||
		    ts.has_random != (cases[i].random != NONE) ||
		    (ts.has_threshold && ts.threshold != cases[i].threshold) ||
		    (ts.has_random && ts.random != cases[i].random))
			fail_msg("\"%s\"", cases[i].text);
	}
}

static void malformed_ones_are_refused(void **state TOLL_UNUSED)
{
	static char longer[1100] = "a=", many[33 * 4 + 1];
	const char *bad[] = { "ot",      "=x",      "A=1",
		              "1a=b",    "a=b=c",   "a=\x01",
		              "ot=th:",  "ot=th:g", "ot=th:123456789012345",
		              "ot=rv:1", "ot=th",   "ot=th:c;",
		              "ot=T:c",  "ot=x:/",  "a= ",
		              longer,    many };

	memset(longer + 2, 'x', sizeof(longer) - 3);
	for (size_t i = 0; i < 33; i++)
		memcpy(many + 4 * i, "a=1,", 4);
	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		struct toll_trace_state ts;

		if (toll_trace_state_parse(toll_slice_str(bad[i]), &ts))
			fail_msg("\"%.40s\"", bad[i]);
	}
}

static void ours_comes_first_and_the_rest_stays(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *want;
		struct toll_trace_state ts;
	} cases[] = {
		{ "", "ot=th:c", { true, false, UINT64_C(0xc0000000000000), 0 } },
		{ "", "ot=th:0", { true, false, 0, 0 } },
		{ "a=1",
		  "ot=rv:00000000000007;th:8,a=1",
		  { true, true, UINT64_C(0x80000000000000), 7 } },
		{ "a=1,ot=th:8;x:y;rv:00000000000001,b=2",
		  "ot=th:c;x:y,a=1,b=2",
		  { true, false, UINT64_C(0xc0000000000000), 0 } },
		{ "a=1, ot=th:8", "a=1", { false, false, 0, 0 } },
		{ "ot=x:y", "ot=th:00000000000001;x:y", { true, false, 1, 0 } },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char out[TOLL_TRACE_STATE_MAX + TOLL_TRACE_STATE_MORE];
		char *end =
			toll_trace_state_write(toll_slice_str(cases[i].text), &cases[i].ts, out);

		if (!toll_slice_is(toll_slice(out, (size_t)(end - out)), cases[i].want))
			fail_msg("%.*s, not %s", (int)(end - out), out, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_threshold_and_randomness),
		cmocka_unit_test(malformed_ones_are_refused),
		cmocka_unit_test(ours_comes_first_and_the_rest_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
