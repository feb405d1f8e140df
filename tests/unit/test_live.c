/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/live.h"

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cmd/spantoll/live_table.h"
#include "tests/unit/unit.h"

#define USD TOLL_PICO_PER_USD

/* A spend source with rows that the test changes. */
struct fake {
	struct toll_spend_source super;
	struct toll_spend_row rows[400];
	size_t count;
};

static void each(struct toll_spend_source *self,
                 void (*row)(void *ctx, const struct toll_spend_row *r), void *ctx)
{
	struct fake *f = toll_container_of(self, struct fake, super);

	for (size_t i = 0; i < f->count; i++)
		row(ctx, &f->rows[i]);
}

static struct fake *new_fake(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	f->super.each = each;
	return f;
}

static struct toll_spend_row *add(struct fake *f, const char *service, int64_t cents,
                                  int64_t limit_cents)
{
	struct toll_spend_row *r = &f->rows[f->count++];

	*r = (struct toll_spend_row){ .service = toll_slice_str(service),
		                      .rolling_pico = cents * (USD / 100),
		                      .total_pico = cents * (USD / 100),
		                      .limit_pico = limit_cents * (USD / 100),
		                      .window_ns = 30 * TOLL_S,
		                      .spans = 100 };
	return r;
}

static void rates_are_over_the_last_ten_seconds(void **state TOLL_UNUSED)
{
	struct toll_live *l = toll_live_new();
	struct fake *f = new_fake();
	struct toll_spend_row *r = add(f, "cart", 0, 100);

	for (uint64_t s = 1; s <= 40; s++) { /* first idle, then a cent and five spans a second */
		if (s > 20) {
			r->total_pico += USD / 100;
			r->spans += 5;
		}
		toll_live_sample(l, &f->super, s * TOLL_S);
	}
	assert_true(l->rows[0].per_hour_pico == (toll_i128)36 * USD);
	assert_float_equal(l->rows[0].spans_per_s, 5.0, 0.001);
	assert_true(l->total.per_hour_pico == (toll_i128)36 * USD);
	toll_live_free(l);
	free(f);
}

static void states_and_their_events(void **state TOLL_UNUSED)
{
	struct toll_live *l = toll_live_new();
	struct fake *f = new_fake();
	struct toll_spend_row *r = add(f, "ai", 50, 100);

	add(f, "mine", 0, 100)->unpriced = 100;
	toll_live_sample(l, &f->super, TOLL_S);
	assert_int_equal(l->rows[0].state, TOLL_LIVE_OK);
	assert_int_equal(l->rows[1].state, TOLL_LIVE_UNPRICED);
	r->rolling_pico = 2 * USD;
	toll_live_sample(l, &f->super, 2 * TOLL_S);
	assert_int_equal(l->rows[0].state, TOLL_LIVE_OVER);
	assert_int_equal(l->event_count, 0);
	r->throttled = true;
	r->ema_usd = 1.5;
	toll_live_sample(l, &f->super, 3 * TOLL_S);
	toll_live_sample(l, &f->super, 4 * TOLL_S);
	assert_int_equal(l->rows[0].state, TOLL_LIVE_THROTTLED);
	assert_int_equal(l->event_count, 1);
	assert_non_null(strstr(l->events[0].text, "ai THROTTLED: average $1.50"));
	assert_non_null(strstr(l->events[0].text, "$1.00"));
	r->throttled = false;
	r->rolling_pico = 0;
	toll_live_sample(l, &f->super, 5 * TOLL_S);
	assert_non_null(strstr(l->events[1].text, "ai released"));
	assert_int_equal(l->throttles, 1);
	assert_int_equal(l->releases, 1);
	toll_live_free(l);
	free(f);
}

static void services_beyond_the_table_are_in_the_total(void **state TOLL_UNUSED)
{
	struct toll_live *l = toll_live_new();
	struct fake *f = new_fake();
	static char names[400][16];

	for (int i = 0; i < 400; i++) {
		snprintf(names[i], sizeof(names[i]), "s%03d", i);
		add(f, names[i], 1, 100);
	}
	toll_live_sample(l, &f->super, TOLL_S);
	assert_int_equal(l->row_count, TOLL_LIVE_SERVICES);
	assert_int_equal(l->hidden, 400 - TOLL_LIVE_SERVICES);
	assert_true(l->total.total_pico == (toll_i128)4 * USD);
	toll_live_free(l);
	free(f);
}

static struct toll_live *shop(struct fake *f)
{
	struct toll_live *l = toll_live_new();

	add(f, "ai-assistant", 231, 200)->throttled = true;
	add(f, "recommendations", 42, 200);
	add(f, "my\033[31m\xff-app", 0, 200)->unpriced = 100;
	add(f, "a-service-with-a-name-that-is-really-very-long-indeed", 199, 200);
	add(f, "no-budget", 1, 0);
	toll_live_sample(l, &f->super, TOLL_S);
	return l;
}

static void the_table_fits_eighty_columns(void **state TOLL_UNUSED)
{
	struct fake *f = new_fake();
	struct toll_live *l = shop(f);
	struct toll_live_style style = { .width = 80 };
	char *text = toll_live_table_text(l, &style), *save = NULL;

	assert_non_null(text);
	assert_non_null(strstr(text, "LAST 30s"));
	assert_non_null(strstr(text, "THROTTLED"));
	assert_non_null(strstr(text, "########  116%"));
	assert_non_null(strstr(text, "TOTAL"));
	assert_null(strchr(text, '\033')); /* neither colour nor what a name smuggles in */
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_true(strlen(line) <= 80);
	free(text);
	toll_live_free(l);
	free(f);
}

static void rows_that_do_not_fit_are_counted(void **state TOLL_UNUSED)
{
	struct fake *f = new_fake();
	struct toll_live *l = shop(f);
	struct toll_live_style style = { .width = 120, .max_rows = 2 };
	char *text = toll_live_table_text(l, &style);

	assert_non_null(strstr(text, "+3 more"));
	assert_null(strstr(text, "no-budget"));
	assert_non_null(strstr(text, "UNPRICED"));
	free(text);
	toll_live_free(l);
	free(f);
}

static void json_is_one_line_of_exact_amounts(void **state TOLL_UNUSED)
{
	struct fake *f = new_fake();
	struct toll_live *l = shop(f);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	f->rows[1].rolling_pico = 420000000001;
	toll_live_event(l, "something \"odd\"");
	toll_live_sample(l, &f->super, 2 * TOLL_S);
	toll_live_json(l, l->event_count - 1, out);
	fclose(out);
	assert_int_equal(strchr(text, '\n') - text, len - 1);
	assert_non_null(strstr(text, "\"service\":\"ai-assistant\",\"spend_usd\":\"2.31\""));
	assert_non_null(strstr(text, "\"spend_usd\":\"0.420000000001\""));
	assert_non_null(strstr(text, "\"state\":\"THROTTLED\""));
	assert_non_null(strstr(text, "\"text\":\"something \\\"odd\\\"\""));
	assert_null(strstr(text, "ai-assistant THROTTLED")); /* an older event */
	assert_non_null(strstr(text, "my\\u001b[31m\xef\xbf\xbd-app"));
	free(text);
	toll_live_free(l);
	free(f);
}

static void money_is_short(void **state TOLL_UNUSED)
{
	const struct {
		toll_i128 pico;
		const char *text;
	} cases[] = {
		{ 0, "$0.00" },
		{ 1, "<$0.0001" },
		{ USD / 1000, "$0.0010" },
		{ USD * 12 + USD / 2, "$12.50" },
		{ -USD, "-$1.00" },
		{ (toll_i128)USD * 123456, "$123456" },
		{ (toll_i128)USD * 7654321, "$7.7M" },
	};
	char buf[32];

	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		assert_string_equal(toll_live_usd(cases[i].pico, buf, sizeof(buf)), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_over_the_last_ten_seconds),
		cmocka_unit_test(states_and_their_events),
		cmocka_unit_test(services_beyond_the_table_are_in_the_total),
		cmocka_unit_test(the_table_fits_eighty_columns),
		cmocka_unit_test(rows_that_do_not_fit_are_counted),
		cmocka_unit_test(json_is_one_line_of_exact_amounts),
		cmocka_unit_test(money_is_short),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
