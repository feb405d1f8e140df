/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/debug/text.h"

#include "pipeline/component.h"
#include "tests/support/fake_batch.h"
#include "tests/unit/unit.h"

typedef void printer(const struct toll_part *part, FILE *out);

static const char *printed(printer *fn, const struct toll_batch *b)
{
	static char text[8192];
	const struct toll_part part = { b, 0, b->span_count };
	FILE *out = fmemopen(text, sizeof(text), "w");

	fn(&part, out);
	fclose(out);
	return text;
}

static void names_cannot_forge_lines(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch_from(1, 0);

	b->spans[0].name = TOLL_SLICE("a\n2026 error\x1b[2J\xc2\x9b\x7f caf\xc3\xa9");
	assert_non_null(strstr(printed(toll_debug_lines, b),
	                       "a\\x0a2026 error\\x1b[2J\\xc2\\x9b\\x7f caf\xc3\xa9 0000"));
	toll_batch_unref(b);
}

static void details_show_cost(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch_from(3, 1000000000);
	const char *text;

	b->spans[0].cost_pico = 400000;
	b->spans[1].cost_state = TOLL_COST_UNPRICED;
	b->spans[1].cost_error = TOLL_SLICE("no pricing data for svc:op");
	b->spans[2].dropped = TOLL_DROP_FILTERED;
	text = printed(toll_debug_details, b);
	assert_non_null(strstr(text, "    Cost           : Priced USD 0.0000004\n"));
	assert_non_null(strstr(text, "    Cost           : Unpriced\n"
	                             "    Cost error     : no pricing data for svc:op\n"));
	assert_non_null(strstr(text, "Start time     : 1970-01-01T00:00:01.000Z (1000000000)"));
	assert_non_null(strstr(text, "Span #1\n"));
	assert_null(strstr(text, "Span #2\n"));
	toll_batch_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_cannot_forge_lines),
		cmocka_unit_test(details_show_cost),
	};

	return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
