/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/settings_json.h"

#include <string.h>

#include "base/clock.h"
#include "budget/overlay.h"
#include "cost/money.h"
#include "tests/unit/unit.h"

static void a_budget_is_printed_as_it_can_be_set(void **state TOLL_UNUSED)
{
	static const struct toll_pair shop = { { "service", 7 }, { "a \"b\"*", 6 } };
	static const struct toll_pair both[] = { { { "tenant", 6 }, { "*", 1 } },
		                                 { { "service", 7 }, { "*", 1 } } };
	static const struct {
		struct toll_budget_config budget;
		const char *text;
	} cases[] = {
		{ { .limit = TOLL_PICO_PER_USD / 4 },
		  "{\"match\":{\"service\":\"*\"},\"limit\":0.25,\"window\":\"24h\",\"mode\":"
		  "\"enforce\"}" },
		{ { .match = { &shop, 1 },
		    .limit = TOLL_PICO_PER_USD,
		    .window = 90 * TOLL_S,
		    .mode = TOLL_MODE_OFF },
		  "{\"match\":{\"service\":\"a "
		  "\\\"b\\\"*\"},\"limit\":1,\"window\":\"90s\",\"mode\":"
		  "\"off\"}" },
		{ { .match = { both, 2 },
		    .limit = 20 * TOLL_PICO_PER_USD,
		    .period = TOLL_PERIOD_MONTH,
		    .timezone = { "Europe/Berlin", 13 },
		    .mode = TOLL_MODE_SHADOW,
		    .evaluation_window = 1500 * TOLL_MS,
		    .ema = { .alpha = 0.2, .windows = 2, .release = 0.8 },
		    .fast_trip = { .factor = 3, .over = 300 * TOLL_S } },
		  "{\"match\":{\"tenant\":\"*\",\"service\":\"*\"},\"limit\":20,\"period\":"
		  "\"month\","
		  "\"timezone\":\"Europe/Berlin\",\"mode\":\"shadow\",\"evaluation_window\":"
		  "\"1500ms\",\"ema\":{\"alpha\":0.2,\"windows\":2,\"release\":0.8},\"fast_trip\":"
		  "{\"factor\":3,\"over\":\"300s\"}}" },
	};
	struct toll_budget_settings base = { .evaluation_window = 60 * TOLL_S,
		                             .flush_interval = TOLL_S,
		                             .ttl = 3600 * TOLL_S,
		                             .ema = { 0.1, 0.9, 3 } };
	char text[4096];

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_budget_text set = { TOLL_SLICE("x"), toll_slice_str(cases[i].text) };
		size_t len = toll_budget_config_print(&cases[i].budget, text, sizeof(text));
		struct toll_error error;

		assert_int_equal(len, strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(toll_budget_text_check(&base, &set, &error), 0);
		assert_int_equal(toll_budget_config_print(&cases[i].budget, text, 100), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_budget_is_printed_as_it_can_be_set),
	};

	return cmocka_run_group_tests_name("settings_json", tests, NULL, NULL);
}
