/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/pricebook.h"

#include <stdio.h>

#include "tests/unit/unit.h"

static struct toll_price price_of(const char *per_ms)
{
	struct toll_price p = { 0 };

	assert_int_equal(toll_rate_parse(toll_slice_str(per_ms), 1000000, &p.per_ns), 0);
	return p;
}

static int add(struct toll_pricebook *b, const char *service, const char *operation,
               const char *per_ms)
{
	struct toll_price p = price_of(per_ms);

	return toll_pricebook_add(b, toll_slice_str(service), toll_slice_str(operation), &p);
}

static const struct toll_price *find(const struct toll_pricebook *b, const char *service,
                                     const char *operation)
{
	return toll_pricebook_find(b, toll_slice_str(service), toll_slice_str(operation));
}

static void assert_price(const struct toll_price *found, const char *per_ms)
{
	assert_non_null(found);
	assert_true(found->per_ns.yocto == price_of(per_ms).per_ns.yocto);
}

static void exact_beats_the_default_of_the_service(void **state TOLL_UNUSED)
{
	struct toll_pricebook *b = toll_pricebook_new(TOLL_SLICE("v1"));

	assert_int_equal(add(b, "shop", "*", "1"), 0);
	assert_int_equal(add(b, "shop", "/cart", "2"), 0);
	assert_int_equal(add(b, "bank", "/cart", "3"), 0);
	assert_price(find(b, "shop", "/cart"), "2");
	assert_price(find(b, "shop", "/other"), "1");
	assert_price(find(b, "shop", ""), "1");
	assert_price(find(b, "bank", "/cart"), "3");
	assert_null(find(b, "bank", "/other"));
	assert_null(find(b, "", ""));
	assert_int_equal(toll_pricebook_count(b), 3);
	toll_shared_unref(toll_pricebook_shared(b));
}

static void a_row_named_twice_is_refused(void **state TOLL_UNUSED)
{
	struct toll_pricebook *b = toll_pricebook_new(TOLL_SLICE("v1"));

	assert_int_equal(add(b, "shop", "/cart", "1"), 0);
	assert_int_equal(add(b, "shop", "/cart", "2"), TOLL_EINVALID);
	assert_price(find(b, "shop", "/cart"), "1");
	assert_int_equal(toll_pricebook_count(b), 1);
	toll_shared_unref(toll_pricebook_shared(b));
}

static void names_are_not_joined(void **state TOLL_UNUSED)
{
	struct toll_pricebook *b = toll_pricebook_new(TOLL_SLICE("v1"));

	assert_int_equal(add(b, "a", "bc", "1"), 0);
	assert_int_equal(add(b, "ab", "c", "2"), 0);
	assert_int_equal(add(b, "", "", "3"), 0);
	assert_price(find(b, "a", "bc"), "1");
	assert_price(find(b, "ab", "c"), "2");
	assert_price(find(b, "", ""), "3");
	toll_shared_unref(toll_pricebook_shared(b));
}

static void many_rows_are_found(void **state TOLL_UNUSED)
{
	struct toll_pricebook *b = toll_pricebook_new(TOLL_SLICE("v1"));
	char service[32], per_ms[32];

	for (int i = 0; i < 5000; i++) {
		snprintf(service, sizeof(service), "s%d", i % 50);
		snprintf(per_ms, sizeof(per_ms), "%d", i + 1);
		assert_int_equal(add(b, service, per_ms, per_ms), 0);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(service, sizeof(service), "s%d", i % 50);
		snprintf(per_ms, sizeof(per_ms), "%d", i + 1);
		assert_price(find(b, service, per_ms), per_ms);
	}
	assert_null(find(b, "s0", "2"));
	toll_shared_unref(toll_pricebook_shared(b));
}

static void a_published_book_stays_with_who_reads_it(void **state TOLL_UNUSED)
{
	struct toll_pricebook_source source = { .current = TOLL_SNAPSHOT_INIT };
	struct toll_pricebook *b = toll_pricebook_new(TOLL_SLICE("v1"));
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
		cmocka_unit_test(a_row_named_twice_is_refused),
		cmocka_unit_test(names_are_not_joined),
		cmocka_unit_test(many_rows_are_found),
		cmocka_unit_test(a_published_book_stays_with_who_reads_it),
	};

	return cmocka_run_group_tests_name("pricebook", tests, NULL, NULL);
}
