/* SPDX-License-Identifier: Apache-2.0 */
/* Folding, totals per service, and what is shown of them. */
#include "exporters/enforcer/totals/totals.h"

#include <stdio.h>
#include <stdlib.h>

#include "exporters/enforcer/metrics.h"
#include "exporters/enforcer/totals/fold.h"
#include "proto/batch.h"
#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;

static int setup(void **state TOLL_UNUSED)
{
	rig_init(&rig);
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	rig_release(&rig);
	return 0;
}

static int64_t day_nano(const char *key)
{
	struct toll_service *s = rig_service(&rig, key);
	const struct toll_window *w = &rig.rules.windows[0];

	return (int64_t)toll_series_sum(&s->accounts[0].series, w,
	                                (int64_t)(TEST_NOW_MS / w->bucket_ms));
}

static struct toll_span span(uint32_t resource, int64_t pico, uint64_t adjusted)
{
	return (struct toll_span){ .resource = resource,
		                   .cost_state = TOLL_COST_PRICED,
		                   .cost_pico = pico,
		                   .adjusted_count = adjusted };
}

static void runs_of_spans_are_folded_with_their_adjusted_count(void **state TOLL_UNUSED)
{
	struct toll_resource resources[] = { { .service = TOLL_SLICE("checkout") },
		                             { .service = TOLL_SLICE("cart") } };
	struct toll_span spans[] = { span(0, 1000, 1), span(0, 5000, 100),    span(0, 7000, 1),
		                     span(0, 9000, 1), span(1, 4000, 0),      span(0, 2000, 1),
		                     span(0, -1, 1),   span(0, 1, UINT64_MAX) };
	struct toll_batch batch = { .resources = resources,
		                    .spans = spans,
		                    .resource_count = 2,
		                    .span_count = 8,
		                    .received_wall_ms = TEST_NOW_MS };
	struct toll_part part = { &batch, 0, 8 };

	spans[2].cost_state = TOLL_COST_UNPRICED;
	spans[3].dropped = TOLL_DROP_BAD_ID;
	rig_start(&rig);
	toll_fold_part(&rig.totals, &part, TEST_NOW_MS);
	assert_int_equal(day_nano("checkout"), 1 + 500 + 2);
	assert_int_equal(day_nano("cart"), 4);
	assert_int_equal(rig_service(&rig, "checkout")->spans, 6);
	assert_int_equal(rig_service(&rig, "checkout")->unpriced, 1);
	assert_int_equal(rig.totals.refused_spans, 2);
	part = (struct toll_part){ &batch, 1, 1 };
	toll_fold_part(&rig.totals, &part, TEST_NOW_MS);
	assert_int_equal(day_nano("checkout"), 503 + 500);
}

static void names_over_the_cap_go_to_overflow_with_an_exact_sum(void **state TOLL_UNUSED)
{
	char name[24];

	rig.config.max_services = 10;
	rig_start(&rig);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "svc-%d", i);
		rig_spend(&rig, name, 1500, TEST_NOW_MS);
	}
	assert_int_equal(rig.totals.count, 11);
	assert_int_equal(rig.totals.overflow_spans, 40);
	assert_int_equal(day_nano("__overflow__"), 60);
	assert_int_equal(day_nano("svc-9"), 1);
	rig_spend(&rig, "svc-3", 1500, TEST_NOW_MS);
	assert_int_equal(day_nano("svc-3"), 3);
}

static void guests_leave_room_for_names_that_spend_here(void **state TOLL_UNUSED)
{
	struct toll_run unpriced = { .spans = 1, .unpriced = 1 };
	char name[24];

	rig.config.max_services = 99;
	rig_start(&rig);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "u-%d", i);
		toll_totals_lock(&rig.totals);
		toll_totals_fold(&rig.totals, toll_slice_str(name), TEST_NOW_MS, &unpriced);
		if (i >= 90)
			assert_null(toll_totals_meet(&rig.totals, TOLL_SLICE("far-away")));
		toll_totals_unlock(&rig.totals);
	}
	assert_int_equal(rig.totals.count, 75);
	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "s-%d", i);
		rig_spend(&rig, name, 1000, TEST_NOW_MS);
	}
	assert_int_equal(day_nano("s-24"), 1);
}

static void names_that_mean_the_same_key_share_it(void **state TOLL_UNUSED)
{
	rig_start(&rig);
	toll_totals_lock(&rig.totals);
	assert_non_null(toll_totals_meet(&rig.totals, TOLL_SLICE("a%3Ab")));
	toll_totals_unlock(&rig.totals);
	rig_spend(&rig, "a:b", 1000, TEST_NOW_MS);
	rig_spend(&rig, "a:b", 1000, TEST_NOW_MS);
	assert_int_equal(rig.totals.count, 2);
	assert_int_equal(day_nano("a%3Ab"), 2);
	assert_true(toll_slice_is(rig_service(&rig, "a%3Ab")->name, "a:b"));
}

static void a_full_table_forgets_who_left_every_window(void **state TOLL_UNUSED)
{
	char name[24];

	rig.config.max_services = 10;
	rig_start(&rig);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "svc-%d", i);
		rig_spend(&rig, name, 1500, TEST_NOW_MS);
	}
	toll_totals_lock(&rig.totals);
	for (uint32_t i = 1; i <= 8; i++)
		toll_totals_prune(&rig.totals, &rig.totals.services[i]->accounts[0],
		                  &rig.rules.windows[0], INT64_MAX);
	rig.totals.services[3]->throttled = true;
	toll_totals_sweep(&rig.totals);
	toll_totals_unlock(&rig.totals);
	assert_int_equal(rig.totals.count, 4);
	assert_false(rig_knows(&rig, "svc-0"));
	assert_true(rig_knows(&rig, "svc-2"));
	rig_spend(&rig, "svc-9", 500, TEST_NOW_MS);
	assert_int_equal(day_nano("svc-9"), 2);
	rig_spend(&rig, "svc-0", 2000, TEST_NOW_MS);
	assert_int_equal(day_nano("svc-0"), 2);
	assert_true(rig.totals.lost_nano == 8);
}

struct seen {
	int rows;
	struct toll_spend_row last;
};

static void see(void *ctx, const struct toll_spend_row *r)
{
	struct seen *seen = ctx;

	seen->rows++;
	seen->last = *r;
}

static void rows_show_the_smallest_limit_before_any_decision(void **state TOLL_UNUSED)
{
	struct seen seen = { 0 };

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "*", 50, 3600, TOLL_MODE_SHADOW);
	rig_start(&rig);
	rig_spend(&rig, "x", 2500, TEST_NOW_MS);
	toll_totals_each(&rig.totals.source, see, &seen);
	assert_int_equal(seen.rows, 1);
	assert_true(seen.last.limit_pico == 50 * TEST_USD);
	assert_true(seen.last.window_ns == 3600 * TOLL_S);
	assert_true(seen.last.total_pico == 2500);
}

static void metrics_carry_exact_amounts(void **state TOLL_UNUSED)
{
	struct toll_metrics_writer w = { 0 };
	struct toll_counters counters = { 0 };

	rig_start(&rig);
	rig_spend(&rig, "a\"b", 12000000000001, TEST_NOW_MS);
	toll_enforcer_metrics(&rig.totals, &counters, true, &w);
	assert_false(w.failed);
	w.text[w.len - 1] = '\0';
	assert_non_null(strstr(w.text, "cost_per_service{service=\"a\\\"b\"} 12.000000000001"));
	assert_non_null(strstr(w.text, "budget_utilization_pct{service=\"a\\\"b\"} 0"));
	assert_non_null(strstr(w.text, "spantoll_enforcer_losses 0"));
	toll_metrics_release(&w);
}

static void a_service_says_how_critical_it_is(void **state TOLL_UNUSED)
{
	struct toll_run run = { .pico = 1, .spans = 1, .priced = 1 };
	struct toll_slice name = TOLL_SLICE("vital");

	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	rig_start(&rig);
	run.criticality = TOLL_CRITICALITY_HIGH;
	toll_totals_lock(&rig.totals);
	toll_totals_fold(&rig.totals, name, TEST_NOW_MS, &run);
	assert_int_equal(rig_service(&rig, "vital")->criticality, TOLL_CRITICALITY_HIGH);
	run.criticality = TOLL_CRITICALITY_UNKNOWN; /* another instance, which does not say */
	toll_totals_fold(&rig.totals, name, TEST_NOW_MS, &run);
	toll_totals_unlock(&rig.totals);
	assert_int_equal(rig_service(&rig, "vital")->criticality, TOLL_CRITICALITY_HIGH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_service_says_how_critical_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_of_spans_are_folded_with_their_adjusted_count,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(names_over_the_cap_go_to_overflow_with_an_exact_sum,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(guests_leave_room_for_names_that_spend_here, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(names_that_mean_the_same_key_share_it, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_full_table_forgets_who_left_every_window, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(rows_show_the_smallest_limit_before_any_decision,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(metrics_carry_exact_amounts, setup, teardown),
	};

	return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}
