/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/tally.h"

#include <string.h>

#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

static void counts_states_and_exact_dollars(void **state TOLL_UNUSED)
{
	struct msg *spans[4];
	struct toll_tally *t = toll_tally_new("traces");
	struct toll_batch *b;
	struct toll_metrics_writer w = { 0 };

	for (uint64_t i = 0; i < 4; i++)
		spans[i] = span_new("op", i, 1);
	b = batch_of_request(request_of("svc", spans, 4));
	b->spans[0].cost_state = b->spans[1].cost_state = TOLL_COST_PRICED;
	b->spans[0].cost_pico = 1;
	b->spans[1].cost_pico = 400000;
	b->spans[1].adjusted_count = 4;
	b->spans[2].cost_state = TOLL_COST_FREE;
	b->spans[3].unpriced = TOLL_UNPRICED_STALE;
	assert_true(toll_tally_add(t, b));
	toll_tally_add(t, b);
	toll_span_drop(b, &b->spans[3], TOLL_DROP_FILTERED);
	assert_false(toll_tally_add(t, b));
	assert_int_equal(t->priced, 6);
	assert_int_equal(t->free, 3);
	assert_int_equal(t->unpriced[TOLL_UNPRICED_STALE], 2);
	toll_tally_write(&w, &t, 1);
	assert_non_null(strstr(w.text, "cost_total_usd{pipeline=\"traces\"} 0.000004800003\n"));
	assert_non_null(strstr(w.text, "reason=\"pricing_cache_stale\"} 2\n"));
	toll_metrics_release(&w);
	toll_tally_unref(t);
	toll_batch_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counts_states_and_exact_dollars) };

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
