/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a price book, and which of its rules a span finds. */
#include "tests/support/prices.h"
#include "tests/unit/unit.h"

static void assert_found(const struct toll_price *found, const char *id)
{
	assert_non_null(found);
	if (!toll_slice_is(found->rule->id, id))
		fail_msg("found %.*s, not %s", TOLL_FMT(found->rule->id), id);
}

static void exact_beats_the_default_of_the_service(void **state TOLL_UNUSED)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;

	assert_int_equal(add_seed_row(builder, "shop", NULL, "1"), 0);
	assert_int_equal(add_seed_row(builder, "shop", "/cart", "2"), 0);
	assert_int_equal(add_seed_row(builder, "bank", "/cart", "3"), 0);
	b = finish_book(builder, "v1");
	assert_found(find_price(b, "shop", "/cart"), "shop:/cart");
	assert_found(find_price(b, "shop", "/other"), "shop:*");
	assert_found(find_price(b, "shop", ""), "shop:*");
	assert_found(find_price(b, "bank", "/cart"), "bank:/cart");
	assert_null(find_price(b, "bank", "/other"));
	assert_null(find_price(b, "", ""));
	assert_int_equal(toll_pricebook_count(b), 3);
	free_book(b);
}

static void many_rows_are_found(void **state TOLL_UNUSED)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;
	char service[32], operation[32], id[70];

	for (int i = 0; i < 5000; i++) {
		snprintf(service, sizeof(service), "s%d", i % 50);
		snprintf(operation, sizeof(operation), "%d", i + 1);
		assert_int_equal(add_seed_row(builder, service, operation, operation), 0);
	}
	b = finish_book(builder, "v1");
	for (int i = 0; i < 5000; i++) {
		snprintf(service, sizeof(service), "s%d", i % 50);
		snprintf(operation, sizeof(operation), "%d", i + 1);
		snprintf(id, sizeof(id), "%s:%s", service, operation);
		assert_found(find_price(b, service, operation), id);
	}
	assert_null(find_price(b, "s0", "2"));
	free_book(b);
}

static void a_published_book_stays_with_who_reads_it(void **state TOLL_UNUSED)
{
	struct toll_pricebook_source source = { .current = TOLL_SNAPSHOT_INIT };
	struct toll_pricebook *b = book_per_ms("1");
	struct toll_shared *held;

	assert_null(toll_pricebook_of(toll_snapshot_get(&source.current)));
	toll_pricebook_set_sync(b, 42);
	toll_snapshot_set(&source.current, toll_pricebook_shared(b));
	held = toll_snapshot_get(&source.current);
	toll_snapshot_set(&source.current, NULL);
	assert_string_equal(toll_pricebook_version(toll_pricebook_of(held)), "v1");
	assert_int_equal(toll_pricebook_sync(toll_pricebook_of(held)), 42);
	toll_shared_unref(held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_beats_the_default_of_the_service),
		cmocka_unit_test(many_rows_are_found),
		cmocka_unit_test(a_published_book_stays_with_who_reads_it),
	};

	return cmocka_run_group_tests_name("pricebook", tests, NULL, NULL);
}
