/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/metrics.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

static void text_is_what_prometheus_reads(void **state TOLL_UNUSED)
{
	struct toll_metrics_writer w = { 0 };
	const struct toll_label labels[] = {
		{ "service", TOLL_SLICE("a\\b\"c\nd\x01") },
		{ "kind", TOLL_SLICE("caf\xc3\xa9") },
	};

	toll_metrics_family(&w, "spans", TOLL_METRIC_COUNTER, "Spans \\ seen\nso far.");
	toll_metrics_sample(&w, labels, 2, UINT64_MAX);
	toll_metrics_sample_text(&w, NULL, 0, TOLL_SLICE("0.000000000004"));
	assert_false(w.failed);
	assert_string_equal(w.text, "# HELP spans Spans \\\\ seen\\nso far.\n"
	                            "# TYPE spans counter\n"
	                            "spans{service=\"a\\\\b\\\"c\\nd\x01\",kind=\"caf\xc3\xa9\"} "
	                            "18446744073709551615\n"
	                            "spans 0.000000000004\n");
	toll_metrics_release(&w);
}

static void bytes_that_are_no_utf8_are_replaced(void **state TOLL_UNUSED)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "\xff", "\xef\xbf\xbd" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* overlong */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ "\xf0\x9f\x92\xb0", "\xf0\x9f\x92\xb0" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_metrics_writer w = { 0 };
		struct toll_label label = { "s", toll_slice_str(cases[i].in) };
		char expect[64];

		w.family = "m";
		toll_metrics_sample(&w, &label, 1, 1);
		snprintf(expect, sizeof(expect), "m{s=\"%s\"} 1\n", cases[i].out);
		assert_string_equal(w.text, expect);
		toll_metrics_release(&w);
	}
}

static void suffix_only_where_asked(void **state TOLL_UNUSED)
{
	struct toll_metrics_writer w = { .type_suffix = 1 };

	toll_metrics_family(&w, "sent", TOLL_METRIC_COUNTER, "x");
	toll_metrics_sample(&w, NULL, 0, 1);
	toll_metrics_family(&w, "lost_total", TOLL_METRIC_COUNTER, "x");
	toll_metrics_sample(&w, NULL, 0, 2);
	toll_metrics_family(&w, "cost_total_usd", TOLL_METRIC_COUNTER, "x");
	toll_metrics_sample(&w, NULL, 0, 4);
	toll_metrics_family(&w, "size", TOLL_METRIC_GAUGE, "x");
	toll_metrics_sample(&w, NULL, 0, 3);
	assert_non_null(strstr(w.text, "\nsent_total 1\n"));
	assert_non_null(strstr(w.text, "\nlost_total 2\n"));
	assert_non_null(strstr(w.text, "\ncost_total_usd 4\n"));
	assert_non_null(strstr(w.text, "\nsize 3\n"));
	toll_metrics_release(&w);
	assert_int_equal(w.type_suffix, 1);
}

static void text_grows(void **state TOLL_UNUSED)
{
	struct toll_metrics_writer w = { 0 };

	toll_metrics_family(&w, "m", TOLL_METRIC_GAUGE, "x");
	for (uint64_t i = 0; i < 10000; i++)
		toll_metrics_sample(&w, NULL, 0, i);
	assert_false(w.failed);
	assert_int_equal(strlen(w.text), w.len);
	assert_non_null(strstr(w.text, "\nm 9999\n"));
	toll_metrics_release(&w);
}

static void two_components_share_a_family(void **state TOLL_UNUSED)
{
	static const char *const names[] = { "a", "b", "c" };
	struct toll_metrics_writer w = { 0 };

	for (size_t i = 0; i < TOLL_COUNT(names); i++) {
		struct toll_label label = { "id", toll_slice_str(names[i]) };

		toll_metrics_family(&w, "size", TOLL_METRIC_GAUGE, "x");
		toll_metrics_sample(&w, &label, 1, i);
		toll_metrics_family(&w, "age", TOLL_METRIC_GAUGE, "y");
		toll_metrics_sample(&w, &label, 1, 10 + i);
		toll_metrics_sample(&w, NULL, 0, 20 + i);
	}
	assert_string_equal(w.text, "# HELP size x\n# TYPE size gauge\n"
	                            "size{id=\"a\"} 0\nsize{id=\"b\"} 1\nsize{id=\"c\"} 2\n"
	                            "# HELP age y\n# TYPE age gauge\n"
	                            "age{id=\"a\"} 10\nage 20\nage{id=\"b\"} 11\nage 21\n"
	                            "age{id=\"c\"} 12\nage 22\n");
	assert_int_equal(strlen(w.text), w.len);
	toll_metrics_release(&w);
}

/* Two components with many series each, and the page stays quick to write. */
static void long_families_are_shared_too(void **state TOLL_UNUSED)
{
	struct toll_metrics_writer w = { 0 };
	uint64_t begin = toll_clock_mono_ns();

	for (int component = 0; component < 2; component++) {
		toll_metrics_family(&w, "calls", TOLL_METRIC_COUNTER, "x");
		for (uint64_t i = 0; i < 30000; i++)
			toll_metrics_sample(&w, NULL, 0, i);
		toll_metrics_family(&w, "seconds", TOLL_METRIC_COUNTER, "y");
		for (uint64_t i = 0; i < 30000; i++)
			toll_metrics_sample(&w, NULL, 0, i);
	}
	assert_true(toll_clock_mono_ns() - begin < PATIENCE_NS);
	toll_metrics_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_what_prometheus_reads),
		cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(suffix_only_where_asked),
		cmocka_unit_test(text_grows),
		cmocka_unit_test(two_components_share_a_family),
		cmocka_unit_test(long_families_are_shared_too),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
