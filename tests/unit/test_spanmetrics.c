/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/spanmetrics/text.h"

#include <pthread.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

static const uint64_t bounds[] = { 2 * TOLL_MS, 10 * TOLL_MS };

static struct toll_observation observed(uint64_t duration_ns, int64_t cost_pico)
{
	return (struct toll_observation){ duration_ns, 1, 5 * TOLL_S, cost_pico };
}

static struct toll_slice key(const char *text)
{
	return toll_slice_str(text);
}

/* What is written of a plan with one dimension, span.name. */
static struct toll_metrics_writer written(struct toll_span_series_store *store, uint64_t now)
{
	static char label[] = "span_name", calls[] = "calls_total", cost[] = "cost_usd_total",
		    duration[] = "duration_milliseconds";
	struct toll_spanmetrics_plan plan = { .dimension_count = 1,
		                              .bound_count = 2,
		                              .histogram = true,
		                              .calls = calls,
		                              .duration = duration,
		                              .cost = cost };
	struct toll_metrics_writer w = { 0 };

	plan.dimensions[0].label = label;
	memcpy(plan.bounds_ns, bounds, sizeof(bounds));
	toll_spanmetrics_write(&w, &plan, store, "spanmetrics", "", now);
	return w;
}

static void expect(const struct toll_metrics_writer *w, const char *line)
{
	if (!strstr(w->text, line))
		fail_msg("no \"%s\" in:\n%s", line, w->text);
}

static void sums_are_exact(void **state TOLL_UNUSED)
{
	struct toll_span_series_store *s = toll_span_series_store_new(10, bounds, 2, 0);
	struct toll_observation o[] = { observed(2 * TOLL_MS, 1), observed(2000001, 3),
		                        observed(UINT64_MAX, INT64_MAX), observed(0, 0) };
	struct toll_metrics_writer w;

	o[3].weight = 100;
	for (size_t i = 0; i < TOLL_COUNT(o); i++)
		toll_span_series_add(s, key("\3GET"), &o[i]);
	w = written(s, 0);
	expect(&w, "\ncalls_total{span_name=\"GET\"} 103\n");
	expect(&w, "\ncost_usd_total{span_name=\"GET\"} 9223372.036854775811\n");
	expect(&w, "# TYPE duration_milliseconds histogram\n");
	expect(&w, "\nduration_milliseconds_bucket{span_name=\"GET\",le=\"2\"} 101\n");
	expect(&w, "\nduration_milliseconds_bucket{span_name=\"GET\",le=\"10\"} 102\n");
	expect(&w, "\nduration_milliseconds_bucket{span_name=\"GET\",le=\"+Inf\"} 103\n");
	expect(&w, "\nduration_milliseconds_sum{span_name=\"GET\"} 18446744073713.551616\n");
	expect(&w, "\nduration_milliseconds_count{span_name=\"GET\"} 103\n");
	toll_metrics_release(&w);
	toll_span_series_store_free(s);
}

static void what_finds_no_room_is_one_series(void **state TOLL_UNUSED)
{
	struct toll_span_series_store *s = toll_span_series_store_new(2, bounds, 2, 0);
	struct toll_observation o = observed(TOLL_MS, 7);
	struct toll_metrics_writer w;

	toll_span_series_add(s, key("\1a"), &o);
	toll_span_series_add(s, key("\1b"), &o);
	toll_span_series_add(s, key("\1c"), &o);
	toll_span_series_add(s, key("\1d"), &o);
	toll_span_series_add(s, key("\1a"), &o);
	assert_int_equal(toll_span_series_count(s), 2);
	assert_int_equal(toll_span_series_overflowed(s), 2);
	w = written(s, 0);
	expect(&w, "\ncalls_total{span_name=\"a\"} 2\n");
	expect(&w, "\ncalls_total{otel_metric_overflow=\"true\"} 2\n");
	expect(&w, "\ncost_usd_total{otel_metric_overflow=\"true\"} 0.000000000014\n");
	expect(&w, "\nspantoll_spanmetrics_overflow_spans{connector=\"spanmetrics\"} 2\n");
	assert_null(strstr(w.text, "\"c\""));
	toll_metrics_release(&w);
	toll_span_series_store_free(s);
}

static void what_is_not_seen_for_long_is_forgotten(void **state TOLL_UNUSED)
{
	struct toll_span_series_store *s = toll_span_series_store_new(1, bounds, 2, TOLL_S);
	struct toll_observation o = observed(TOLL_MS, 0);
	struct toll_metrics_writer w;

	toll_span_series_add(s, key("\1a"), &o);
	w = written(s, 6 * TOLL_S);
	expect(&w, "span_name=\"a\"");
	toll_metrics_release(&w);
	w = written(s, 6 * TOLL_S + 1);
	assert_null(strstr(w.text, "span_name"));
	toll_metrics_release(&w);
	toll_span_series_add(s, key("\1b"), &o); /* there is room again */
	assert_int_equal(toll_span_series_overflowed(s), 0);
	toll_span_series_store_free(s);
}

#define THREADS 4
#define ROUNDS  20000

static void *hammer(void *arg)
{
	struct toll_span_series_store *s = arg;
	struct toll_observation o = observed(3 * TOLL_MS, 1);

	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[2] = { 1, (char)('a' + i % 20) };

		toll_span_series_add(s, toll_slice(text, 2), &o);
	}
	return NULL;
}

static void sum_up(void *ctx, const struct toll_span_series *one)
{
	*(uint64_t *)ctx += one->calls;
	assert_int_equal(one->calls, one->buckets[1]);
	assert_int_equal((uint64_t)one->cost_pico, one->calls);
}

static void workers_share_it(void **state TOLL_UNUSED)
{
	struct toll_span_series_store *s = toll_span_series_store_new(10, bounds, 2, 0);
	pthread_t threads[THREADS];
	uint64_t calls = 0;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, s), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	toll_span_series_each(s, 0, sum_up, &calls);
	assert_int_equal(calls, THREADS * ROUNDS);
	assert_int_equal(toll_span_series_count(s), 10);
	assert_int_equal(toll_span_series_overflowed(s), THREADS * ROUNDS / 2);
	toll_span_series_store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_exact),
		cmocka_unit_test(what_finds_no_room_is_one_series),
		cmocka_unit_test(what_is_not_seen_for_long_is_forgotten),
		cmocka_unit_test(workers_share_it),
	};

	return cmocka_run_group_tests_name("spanmetrics", tests, NULL, NULL);
}
