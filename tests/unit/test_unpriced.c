/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/unpriced.h"

#include <stdio.h>

#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

struct seen {
	unsigned rows;
	uint64_t first_spans;
	char first[128];
};

static void see(void *ctx, const struct toll_unpriced_row *r)
{
	struct seen *seen = ctx;

	if (seen->rows++)
		return;
	seen->first_spans = r->spans;
	snprintf(seen->first, sizeof(seen->first), "%.*s:%.*s %.*s %s", TOLL_FMT(r->service),
	         TOLL_FMT(r->operation), TOLL_FMT(r->sentence), toll_unpriced_label(r->reason));
}

static struct toll_batch *sealed(const char *name, uint64_t count)
{
	struct msg *spans[8];
	struct toll_batch *b;

	for (uint64_t i = 0; i < count; i++)
		spans[i] = span_new(name, i, 1);
	b = batch_of_request(request_of("shop", spans, (unsigned)count));
	for (uint64_t i = 0; i < count; i++) {
		b->spans[i].unpriced = TOLL_UNPRICED_NO_PRICING_DATA;
		b->spans[i].cost_error = TOLL_SLICE("no pricing data");
	}
	return b;
}

static void add(struct toll_unpriced_table *t, struct toll_batch *take_batch)
{
	toll_batch_seal(take_batch);
	toll_unpriced_table_add(t, take_batch);
	toll_batch_unref(take_batch);
}

static void counts_what_has_no_price(void **state TOLL_UNUSED)
{
	struct toll_unpriced_table *t = toll_unpriced_table_new();
	struct toll_batch *b = sealed("cart", 4);
	struct seen seen = { 0 };

	add(t, sealed("pay", 2));
	b->spans[0].cost_state = TOLL_COST_FREE;
	toll_span_drop(b, &b->spans[1], TOLL_DROP_FILTERED);
	add(t, b);
	add(t, sealed("cart", 3));
	assert_int_equal(toll_unpriced_table_each(t, 9, see, &seen), 0);
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.first_spans, 5);
	assert_string_equal(seen.first, "shop:cart no pricing data no_pricing_data");
	toll_unpriced_table_free(t);
}

static void another_reason_is_another_row(void **state TOLL_UNUSED)
{
	struct toll_unpriced_table *t = toll_unpriced_table_new();
	struct toll_batch *b = sealed("cart", 2);
	struct seen seen = { 0 };

	b->spans[1].unpriced = TOLL_UNPRICED_STALE;
	add(t, b);
	toll_unpriced_table_each(t, 9, see, &seen);
	assert_int_equal(seen.rows, 2);
	toll_unpriced_table_free(t);
}

/* All of them can be priced at once, not one after the other. */
static void each_unit_without_a_price_is_a_row(void **state TOLL_UNUSED)
{
	struct toll_unpriced_table *t = toll_unpriced_table_new();
	struct toll_batch *b = sealed("cart", 4);
	struct seen seen = { 0 };

	for (int i = 0; i < 4; i++) {
		b->spans[i].unpriced = TOLL_UNPRICED_NO_UNIT_PRICE;
		b->spans[i].cost_error = i ? TOLL_SLICE("no price for unit pages")
		                           : TOLL_SLICE("no price for unit mails");
	}
	add(t, b);
	toll_unpriced_table_each(t, 9, see, &seen);
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.first_spans, 3);
	toll_unpriced_table_free(t);
}

static void is_bounded_and_forgets_no_span(void **state TOLL_UNUSED)
{
	struct toll_unpriced_table *t = toll_unpriced_table_new();
	struct seen seen = { 0 };
	char name[32];

	for (unsigned i = 0; i < TOLL_UNPRICED_ROWS + 10; i++) {
		snprintf(name, sizeof(name), "op-%u", i);
		add(t, sealed(name, 1));
	}
	assert_int_equal(toll_unpriced_table_each(t, UINT32_MAX, see, &seen), 10);
	assert_int_equal(seen.rows, TOLL_UNPRICED_ROWS);
	assert_int_equal(toll_unpriced_table_each(t, 24, see, &seen), TOLL_UNPRICED_ROWS - 14);
	toll_unpriced_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_has_no_price),
		cmocka_unit_test(another_reason_is_another_row),
		cmocka_unit_test(each_unit_without_a_price_is_a_row),
		cmocka_unit_test(is_bounded_and_forgets_no_span),
	};

	return cmocka_run_group_tests_name("unpriced", tests, NULL, NULL);
}
