/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/replay.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "tests/unit/unit.h"

#define START_MS UINT64_C(1795000020000) /* a minute begins */
#define MINUTE   UINT64_C(60000)

static struct toll_budget_config budgets[3];
static struct toll_rules rules;
static struct toll_replay *replay;
static char changes[1024];

static struct toll_budget_config budget(const char *services, int64_t usd, uint64_t window_s,
                                        int mode)
{
	static struct toll_pair match[3];
	static unsigned next;
	struct toll_pair *own = &match[next++ % TOLL_COUNT(match)];

	*own = (struct toll_pair){ TOLL_SLICE("service"), toll_slice_str(services) };
	return (struct toll_budget_config){ .match = { own, 1 },
		                            .limit = usd * TOLL_PICO_PER_USD,
		                            .window = window_s * TOLL_S,
		                            .mode = mode };
}

/* "payment set at 3" a line: minutes after the start. */
static void note(void *ctx TOLL_UNUSED, const struct toll_replay_change *c)
{
	size_t at = strlen(changes);

	assert_int_equal(c->time_ms % 10000, 0);
	snprintf(changes + at, sizeof(changes) - at, "%.*s %s at %d\n", TOLL_FMT(c->subject),
	         c->on ? "set" : "released", (int)((c->time_ms - START_MS) / MINUTE));
}

static void begin(uint32_t count, uint32_t max_subjects)
{
	const struct toll_budget_settings set = { .flush_interval = TOLL_S,
		                                  .evaluation_window = 60 * TOLL_S,
		                                  .ttl = 3600 * TOLL_S,
		                                  .ema = { 0.1, 0.9, 3 },
		                                  .budgets = { budgets, count } };
	const struct toll_replay_settings replayed = { .rules = &rules,
		                                       .max_subjects = max_subjects,
		                                       .latest_ms =
		                                               START_MS + 1000 * 24 * 60 * MINUTE,
		                                       .changed = note };

	changes[0] = '\0';
	assert_int_equal(toll_rules_init(&rules, &set, NULL), 0);
	assert_int_equal(toll_replay_new(&replayed, &replay), 0);
}

static int tear_down(void **state TOLL_UNUSED)
{
	replay = toll_replay_free(replay);
	toll_rules_release(&rules);
	return 0;
}

static void spend_pico(const char *service, toll_i128 pico, uint64_t second)
{
	const struct toll_slice values[TOLL_DIMENSIONS_MAX] = { toll_slice_str(service) };
	const struct toll_replay_spend s = { .time_ms = START_MS + second * 1000,
		                             .values = values,
		                             .pico = pico };

	assert_int_equal(toll_replay_add(replay, &s), 0);
}

static void spend(const char *service, int64_t usd, uint64_t second)
{
	spend_pico(service, usd * TOLL_PICO_PER_USD, second);
}

/* Time goes on when somebody spends. */
static void run_to(uint64_t second)
{
	spend_pico("somebody", 1, second);
}

struct wanted {
	const char *subject;
	const struct toll_rule *rule;
	struct toll_replay_row row;
	unsigned rows;
};

static void pick(void *ctx, const struct toll_replay_row *row)
{
	struct wanted *w = ctx;

	w->rows++;
	if (toll_slice_is(row->subject, w->subject) && (!w->rule || w->rule == row->rule))
		w->row = *row;
}

static struct toll_replay_row row_of(const char *subject, const struct toll_rule *rule)
{
	struct wanted w = { .subject = subject, .rule = rule };

	toll_replay_each(replay, pick, &w);
	assert_true(toll_slice_is(w.row.subject, subject));
	return w.row;
}

static toll_i128 usd(int64_t n)
{
	return (toll_i128)n * TOLL_PICO_PER_USD;
}

/* ---- the reference runs of the rule, as the enforcer has them ---- */

static void too_much_at_once_is_flagged_at_the_third_window(void **state TOLL_UNUSED)
{
	budgets[0] = budget("*", 500, 86400, TOLL_MODE_ENFORCE);
	begin(1, 10);
	spend("payment", 600, 5);
	run_to(200);
	assert_string_equal(changes, "payment set at 3\n");
}

/* $300 in the first minute, $1000 in the fifteen after it, then $100. */
static void
a_step_is_flagged_at_the_sixth_and_released_at_the_tenth_window(void **state TOLL_UNUSED)
{
	struct toll_replay_row row;

	budgets[0] = budget("*", 500, 960, TOLL_MODE_ENFORCE);
	begin(1, 10);
	spend("payment", 300, 59);
	spend("payment", 700, 61);
	spend("payment", 100, 1019);
	run_to(1700);
	toll_replay_end(replay);
	assert_string_equal(changes, "payment set at 7\npayment released at 26\n");
	row = row_of("payment", NULL);
	assert_int_equal(row.sets, 1);
	assert_int_equal(row.episodes[0].set_ms, START_MS + 7 * MINUTE);
	assert_int_equal(row.episodes[0].release_ms, START_MS + 26 * MINUTE);
	assert_int_equal(row.on_ms, 19 * MINUTE);
	assert_true(row.highest_nano * 1000 == usd(1000));
	assert_int_equal(row.highest_ms, START_MS + 2 * MINUTE);
	assert_true(row.pico == usd(1100) && row.on_pico == usd(100));
	assert_true(row.spans == 3 && row.on_spans == 1);
}

static void money_leaves_a_day_after_it_came(void **state TOLL_UNUSED)
{
	budgets[0] = budget("*", 500, 86400, TOLL_MODE_ENFORCE);
	begin(1, 10);
	spend("payment", 600, 30);
	run_to(3 * 86400); /* two days of silence are decided as well */
	toll_replay_end(replay);
	/* In buckets of a quarter of an hour, of which the first was 7 minutes old. */
	assert_string_equal(changes, "payment set at 3\npayment released at 1437\n");
	assert_true(toll_replay_totals(replay)->rounds < 2 * 1440);
}

static void what_is_still_over_at_the_end_counts_up_to_there(void **state TOLL_UNUSED)
{
	struct toll_replay_row row;

	budgets[0] = budget("*", 500, 86400, TOLL_MODE_ENFORCE);
	begin(1, 10);
	spend("payment", 600, 30);
	run_to(599);
	toll_replay_end(replay);
	row = row_of("payment", NULL);
	assert_int_equal(row.on_ms, 7 * MINUTE);
	assert_int_equal(row.episodes[0].release_ms, 0);
}

/* ---- which budgets ---- */

static void each_budget_has_a_row_of_its_own(void **state TOLL_UNUSED)
{
	struct wanted all = { .subject = "" };

	budgets[0] = budget("*", 500, 86400, TOLL_MODE_ENFORCE);
	budgets[1] = budget("pay*", 50, 3600, TOLL_MODE_SHADOW);
	budgets[2] = budget("pay*", 1, 3600, TOLL_MODE_OFF);
	begin(3, 10);
	spend("pay:ment", 100, 5);
	spend("checkout", 100, 5);
	run_to(300);
	toll_replay_end(replay);
	assert_string_equal(changes, "pay%3Ament set at 3\n");
	assert_int_equal(row_of("pay%3Ament", &rules.at[1]).sets, 1);
	assert_int_equal(row_of("pay%3Ament", &rules.at[0]).sets, 0);
	toll_replay_each(replay, pick, &all);
	assert_int_equal(all.rows, 4); /* somebody's too */
}

/* The first sleeps long before the second may release: that must not be forgotten. */
static void budgets_are_decided_in_windows_of_their_own(void **state TOLL_UNUSED)
{
	budgets[0] = budget("*", 10000, 960, TOLL_MODE_ENFORCE);
	budgets[0].evaluation_window = 10 * TOLL_S;
	budgets[0].ema = (struct toll_ema_config){ 1, 0.9, 1 };
	budgets[1] = budget("pay*", 500, 960, TOLL_MODE_ENFORCE);
	budgets[1].evaluation_window = 240 * TOLL_S;
	budgets[1].ema = (struct toll_ema_config){ 1, 0.9, 1 };
	begin(2, 10);
	spend("payment", 600, 5);
	run_to(4000);
	toll_replay_end(replay);
	assert_string_equal(changes, "payment set at 0\npayment released at 17\n");
}

static void spend_counts_for_every_subject_it_belongs_to(void **state TOLL_UNUSED)
{
	static const struct toll_pair both[] = { { TOLL_SLICE("tenant"), TOLL_SLICE("*") },
		                                 { TOLL_SLICE("service"), TOLL_SLICE("*") } };
	struct toll_slice values[TOLL_DIMENSIONS_MAX] = { TOLL_SLICE("pay"), TOLL_SLICE("acme") };
	struct toll_replay_spend s = { .time_ms = START_MS + 5000,
		                       .values = values,
		                       .pico = usd(300) };
	struct wanted all = { .subject = "" };

	budgets[0] = budget("*", 500, 86400, TOLL_MODE_ENFORCE);
	budgets[1] = (struct toll_budget_config){ .match = { both, 2 },
		                                  .limit = 200 * TOLL_PICO_PER_USD,
		                                  .window = 86400 * TOLL_S };
	begin(2, 10);
	assert_true(toll_slice_is(rules.subjects.dimensions[1].name, "tenant"));
	assert_int_equal(toll_replay_add(replay, &s), 0);
	values[1] = TOLL_SLICE("");
	assert_int_equal(toll_replay_add(replay, &s), 0);
	run_to(300);
	toll_replay_end(replay);
	toll_replay_each(replay, pick, &all);
	assert_true(row_of("pay", NULL).pico == usd(600));
	assert_true(row_of("tenant:acme:service:pay", NULL).pico == usd(300));
	assert_int_equal(all.rows, 3);
	assert_int_equal(toll_replay_totals(replay)->services, 2);
	assert_true(toll_replay_totals(replay)->pico == usd(600) + 1);
}

static void names_beyond_the_room_are_one_subject(void **state TOLL_UNUSED)
{
	char name[16];

	budgets[0] = budget("*", 500, 86400, TOLL_MODE_ENFORCE);
	budgets[1] = budget("__overflow__", 500, 86400, TOLL_MODE_SHADOW); /* "*" is not for it */
	begin(2, 3);
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "svc-%d", i);
		spend(name, 100, 5);
	}
	toll_replay_end(replay);
	assert_true(row_of("__overflow__", NULL).pico == usd(600));
	assert_int_equal(toll_replay_totals(replay)->overflowed, 6);
	assert_int_equal(toll_replay_totals(replay)->services, 4);
	assert_true(toll_replay_totals(replay)->pico == usd(900));
}

/* ---- order ---- */

static void late_spend_counts_where_its_time_is(void **state TOLL_UNUSED)
{
	const struct toll_replay_totals *t;

	budgets[0] = budget("*", 500, 960, TOLL_MODE_ENFORCE);
	begin(1, 10);
	spend("payment", 300, 700);
	spend("payment", 300, 70); /* ten minutes late: it leaves ten minutes earlier as well */
	run_to(1700);
	toll_replay_end(replay);
	t = toll_replay_totals(replay);
	assert_string_equal(changes, "payment set at 14\npayment released at 26\n");
	assert_true(t->late == 1 && t->late_ms == 630000 && t->expired == 0);
	assert_int_equal(t->from_ms, START_MS + 70000);
}

static void spend_that_is_too_late_or_from_the_future_is_told(void **state TOLL_UNUSED)
{
	const struct toll_replay_totals *t;

	budgets[0] = budget("*", 500, 960, TOLL_MODE_ENFORCE);
	begin(1, 10);
	spend("payment", 1, 5000);
	spend("payment", 600, 70);
	spend("payment", 600, UINT64_C(100000000000));
	spend_pico("payment", -1, 5000);
	run_to(5400);
	toll_replay_end(replay);
	t = toll_replay_totals(replay);
	assert_string_equal(changes, "");
	assert_true(t->expired == 1 && t->expired_pico == usd(600) && t->refused == 2);
	assert_true(row_of("payment", NULL).highest_nano * 1000 == usd(1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(too_much_at_once_is_flagged_at_the_third_window),
		TEST(a_step_is_flagged_at_the_sixth_and_released_at_the_tenth_window),
		TEST(money_leaves_a_day_after_it_came),
		TEST(what_is_still_over_at_the_end_counts_up_to_there),
		TEST(each_budget_has_a_row_of_its_own),
		TEST(budgets_are_decided_in_windows_of_their_own),
		TEST(spend_counts_for_every_subject_it_belongs_to),
		TEST(names_beyond_the_room_are_one_subject),
		TEST(late_spend_counts_where_its_time_is),
		TEST(spend_that_is_too_late_or_from_the_future_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
