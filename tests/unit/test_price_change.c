/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/change.h"

#include <math.h>

#include "cost/pricebook.h"
#include "tests/support/prices.h"
#include "tests/unit/unit.h"

#define NOW INT64_C(1000000)

/* A row of one meter: id, dollars per million tokens, from when to when. */
struct row {
	const char *id, *usd;
	int64_t from_s, to_s; /* both 0: always */
};

static struct toll_pricebook *book_of(const struct row *rows)
{
	struct toll_pricebook_builder *b = toll_pricebook_builder_new();
	struct toll_pricebook *book;
	struct toll_error why;

	for (; rows->id; rows++) {
		struct sketch k;

		sketch_init(&k, rows->id);
		sketch_when(&k, "model", TOLL_MATCH_EXACT, rows->id);
		if (rows->to_s) {
			k.rule.valid_from_s = rows->from_s;
			k.rule.valid_to_s = rows->to_s;
		}
		if (rows->usd)
			sketch_meter(&k, TOLL_QUANTITY_INPUT_TOKENS, rows->usd, 1000000);
		k.rule.free = !rows->usd;
		assert_int_equal(sketch_add(&k, b, &why), 0);
	}
	assert_int_equal(toll_pricebook_builder_finish(b, TOLL_SLICE("v"), &book, &why), 0);
	return book;
}

static struct toll_price_change change(const struct row *from, const struct row *to)
{
	struct toll_pricebook *a = book_of(from), *b = book_of(to);
	struct toll_price_change c;
	bool changes = toll_price_changes(a, b, 10, NOW, &c);

	assert_int_equal(changes, c.rows > 0);
	toll_shared_unref(toll_pricebook_shared(a));
	toll_shared_unref(toll_pricebook_shared(b));
	return c;
}

/* clang-format off */
#define ALWAYS(id, usd) { (id), (usd), 0, 0 }
#define END             { NULL, NULL, 0, 0 }
#define ROWS(...)       ((const struct row[]){ __VA_ARGS__, END })
/* clang-format on */

static void ten_times_is_no_change_and_more_is_one(void **state TOLL_UNUSED)
{
	struct toll_price_change c;

	assert_int_equal(change(ROWS(ALWAYS("a", "1")), ROWS(ALWAYS("a", "10"))).rows, 0);
	assert_int_equal(change(ROWS(ALWAYS("a", "1")), ROWS(ALWAYS("a", "0.1"))).rows, 0);
	c = change(ROWS(ALWAYS("a", "1"), ALWAYS("b", "1"), ALWAYS("c", "1")),
	           ROWS(ALWAYS("a", "11"), ALWAYS("b", "0.01"), ALWAYS("c", "1")));
	assert_int_equal(c.rows, 2);
	assert_true(c.factor > 99 && c.factor < 101);
	assert_string_equal(c.text, "row \"b\": input_tokens from 1e-06 to 1e-08 USD per token");
}

static void to_and_from_nothing_is_a_change(void **state TOLL_UNUSED)
{
	assert_true(isinf(change(ROWS(ALWAYS("a", "1")), ROWS(ALWAYS("a", "0"))).factor));
	assert_true(isinf(change(ROWS(ALWAYS("a", "1")), ROWS(ALWAYS("a", NULL))).factor));
	assert_true(isinf(change(ROWS(ALWAYS("a", NULL)), ROWS(ALWAYS("a", "1"))).factor));
	assert_int_equal(change(ROWS(ALWAYS("a", NULL)), ROWS(ALWAYS("a", NULL))).rows, 0);
}

static void new_rows_and_rows_that_are_gone_move_nothing(void **state TOLL_UNUSED)
{
	assert_int_equal(change(ROWS(ALWAYS("a", "1"), ALWAYS("b", "1")),
	                        ROWS(ALWAYS("a", "1"), ALWAYS("c", "1000")))
	                         .rows,
	                 0);
}

static void dated_rows_are_compared_with_what_they_follow(void **state TOLL_UNUSED)
{
	const struct row before[] = { { "a", "1", 0, NOW / 2 },
		                      { "a", "100", NOW / 2, NOW * 2 },
		                      END };

	/* What holds now, not what once held. */
	assert_int_equal(change(before, ROWS(ALWAYS("a", "100"))).rows, 0);
	assert_int_equal(change(before, ROWS(ALWAYS("a", "1"))).rows, 1);
	/* A row to come follows the one that ends then; one that is over counts no more. */
	assert_int_equal(change(before, ROWS({ "a", "100", 0, NOW * 3 / 2 },
	                                     { "a", "5000", NOW * 3 / 2, NOW * 9 }))
	                         .rows,
	                 1);
	assert_int_equal(
		change(before, ROWS({ "a", "9999", 0, NOW - 1 }, { "a", "100", NOW - 1, NOW * 9 }))
			.rows,
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_times_is_no_change_and_more_is_one),
		cmocka_unit_test(to_and_from_nothing_is_a_change),
		cmocka_unit_test(new_rows_and_rows_that_are_gone_move_nothing),
		cmocka_unit_test(dated_rows_are_compared_with_what_they_follow),
	};

	return cmocka_run_group_tests_name("price_change", tests, NULL, NULL);
}
