/* SPDX-License-Identifier: Apache-2.0 */
/* Rows become a book: the order in which rules are tried, layers, dates, discounts, refusals. */
#include "tests/support/prices.h"
#include "tests/unit/unit.h"

/* ---- the order of rules ---- */

static void make(struct sketch *k, const char *id)
{
	sketch_init(k, id);
	k->rule.free = true;
}

/* Rules that all match one span, the one that counts first; each beats the next by one reason. */
static void add_all(struct toll_pricebook_builder *b, uint32_t *order)
{
	static const char *const ids[] = { "priority", "class 1", "class 2", "class 3",
		                           "layer",    "exact",   "more",    "longer",
		                           "nearer",   "farther", "least" };
	struct sketch k[TOLL_COUNT(ids)];

	for (uint32_t i = 0; i < TOLL_COUNT(ids); i++)
		make(&k[i], ids[i]);
	k[0].rule.priority = 1;
	sketch_when(&k[1], "service", TOLL_MATCH_ONE_OF, "shop");
	sketch_or(&k[1], "bank");
	sketch_when(&k[1], "operation", TOLL_MATCH_EXACT, "/cart");
	sketch_when(&k[2], "operation", TOLL_MATCH_EXACT, "/cart");
	sketch_when(&k[3], "service", TOLL_MATCH_EXACT, "shop");
	k[4].rule.layer = 2;
	sketch_when(&k[5], "model", TOLL_MATCH_EXACT, "gpt-4o-mini");
	sketch_when(&k[6], "model", TOLL_MATCH_PREFIX, "gpt");
	sketch_when(&k[6], "provider", TOLL_MATCH_EXISTS, NULL);
	sketch_when(&k[7], "model", TOLL_MATCH_PREFIX, "gpt-4o");
	sketch_when(&k[8], "model", TOLL_MATCH_PREFIX, "gpt-");
	sketch_when(&k[9], "model", TOLL_MATCH_SUFFIX, "mini");
	for (uint32_t i = 0; i < TOLL_COUNT(ids); i++) {
		if (i != 4)
			k[i].rule.layer = 1;
		k[i].rule.order = order[i];
		assert_int_equal(sketch_add(&k[i], b, NULL), 0);
	}
}

static void the_first_of_the_order_counts(void **state TOLL_UNUSED)
{
	static const char *const want[] = { "priority", "class 1", "class 2", "class 3",
		                            "layer",    "exact",   "more",    "longer",
		                            "nearer",   "farther", "least" };
	/* Places in the document the other way round, but for the two that only these tell apart.
	 */
	uint32_t order[] = { 10, 9, 8, 7, 6, 5, 4, 3, 1, 2, 0 };
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;

	add_all(builder, order);
	b = finish_book(builder, "v");
	assert_int_equal(toll_pricebook_rule_count(b), TOLL_COUNT(want));
	for (uint32_t i = 0; i < TOLL_COUNT(want); i++)
		if (!toll_slice_is(toll_pricebook_rule(b, i)->rule->id, want[i]))
			fail_msg("place %u: %.*s, not %s", i,
			         TOLL_FMT(toll_pricebook_rule(b, i)->rule->id), want[i]);
	free_book(b);
}

static void classes_are_by_service_and_operation(void **state TOLL_UNUSED)
{
	static const struct {
		const char *field[2];
		enum toll_match_op op[2];
		uint8_t class;
	} cases[] = {
		{ { "service", "operation" }, { TOLL_MATCH_EXACT, TOLL_MATCH_ONE_OF }, 1 },
		{ { "service", "operation" }, { TOLL_MATCH_EXACT, TOLL_MATCH_GLOB }, 2 },
		{ { "service", "operation" }, { TOLL_MATCH_PREFIX, TOLL_MATCH_EXACT }, 2 },
		{ { "rpc.system", "operation" }, { TOLL_MATCH_EXACT, TOLL_MATCH_EXACT }, 2 },
		{ { "rpc.system", "http.route" }, { TOLL_MATCH_EXACT, TOLL_MATCH_PREFIX }, 2 },
		{ { "service", "model" }, { TOLL_MATCH_EXACT, TOLL_MATCH_EXACT }, 3 },
		{ { "service", "operation" }, { TOLL_MATCH_EXACT, TOLL_MATCH_ABSENT }, 3 },
		{ { "provider", "model" }, { TOLL_MATCH_EXACT, TOLL_MATCH_EXACT }, 4 },
		{ { "service", "model" }, { TOLL_MATCH_ABSENT, TOLL_MATCH_EXACT }, 4 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_pricebook *b;
		struct sketch k;

		make(&k, "rule");
		for (int n = 0; n < 2; n++)
			sketch_when(&k, cases[i].field[n], cases[i].op[n],
			            cases[i].op[n] == TOLL_MATCH_ABSENT ? NULL : "x");
		b = book_of_sketch(&k);
		assert_int_equal(toll_pricebook_rule(b, 0)->class, cases[i].class);
		free_book(b);
	}
}

/* ---- layers and dates ---- */

static int add_dated(struct toll_pricebook_builder *b, const char *id, uint32_t layer, int64_t from,
                     int64_t to, const char *usd)
{
	struct sketch k;

	sketch_init(&k, id);
	sketch_meter(&k, TOLL_QUANTITY_CALLS, usd, 1);
	k.rule.layer = layer;
	k.rule.valid_from_s = from;
	k.rule.valid_to_s = to;
	return sketch_add(&k, b, NULL);
}

static uint64_t usd_at(const struct toll_pricebook *b, int64_t at_s)
{
	const struct toll_price_lookup l = { 0 };
	const struct toll_price *p = toll_pricebook_find(b, &l, at_s);

	return p ? (uint64_t)(p->rule->meters[0].rate.price / TOLL_PICO_PER_USD / TOLL_PICO_PER_USD)
	         : 0;
}

static void rows_of_one_id_follow_each_other(void **state TOLL_UNUSED)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;

	assert_int_equal(add_dated(builder, "a", 1, 200, TOLL_TIME_OPEN_TO, "2"), 0);
	assert_int_equal(add_dated(builder, "a", 1, 100, 200, "1"), 0);
	b = finish_book(builder, "v");
	assert_int_equal(usd_at(b, 99), 0);
	assert_int_equal(usd_at(b, 100), 1);
	assert_int_equal(usd_at(b, 199), 1);
	assert_int_equal(usd_at(b, 200), 2);
	free_book(b);
}

static void a_higher_layer_replaces_all_rows_of_an_id(void **state TOLL_UNUSED)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;

	assert_int_equal(add_dated(builder, "a", 0, 0, 100, "1"), 0);
	assert_int_equal(add_dated(builder, "a", 0, 100, 200, "2"), 0);
	assert_int_equal(add_dated(builder, "a", 1, 50, 60, "3"), 0);
	assert_int_equal(add_dated(builder, "b", 0, 0, 100, "4"), 0);
	b = finish_book(builder, "v");
	assert_int_equal(toll_pricebook_rule_count(b), 2);
	assert_int_equal(usd_at(b, 55), 3);
	assert_int_equal(usd_at(b, 99), 4);
	assert_int_equal(usd_at(b, 150), 0);
	free_book(b);
}

static void rows_of_one_id_must_not_overlap(void **state TOLL_UNUSED)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b = NULL;
	struct toll_error why = { 0 };

	assert_int_equal(add_dated(builder, "aws/sqs", 1, 0, 100, "1"), 0);
	assert_int_equal(add_dated(builder, "aws/sqs", 1, 99, 200, "2"), 0);
	assert_int_equal(toll_pricebook_builder_finish(builder, TOLL_SLICE("v"), &b, &why),
	                 TOLL_EINVALID);
	assert_non_null(strstr(why.text, "\"aws/sqs\" has two prices at the same time"));
	assert_null(b);
}

static void units_have_dates_and_layers_too(void **state TOLL_UNUSED)
{
	static const struct {
		const char *name;
		int64_t at_s;
		bool there;
	} cases[] = { { "s3_get", 50, true },   { "s3_get", 150, false }, { "s3_ge", 50, false },
		      { "s3_get2", 50, false }, { "", 50, false },        { "zz", 50, true } };
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;

	for (int i = 0; i < 2; i++) {
		struct sketch k;

		sketch_init(&k, i ? "zz" : "s3_get");
		sketch_meter(&k, TOLL_QUANTITY_CALLS, "1", 1);
		k.rule.meters = k.meters;
		k.rule.valid_to_s = 100;
		assert_int_equal(toll_pricebook_builder_add_unit(builder, &k.rule, NULL), 0);
	}
	b = finish_book(builder, "v");
	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		assert_int_equal(toll_pricebook_unit(b, toll_slice_str(cases[i].name),
		                                     cases[i].at_s) != NULL,
		                 cases[i].there);
	assert_true(toll_slice_is(toll_pricebook_unit_row(b, 0)->rule->meters[0].attribute,
	                          "cost.units.s3_get"));
	free_book(b);
}

static void a_discount_splits_a_row_in_time(void **state TOLL_UNUSED)
{
	const struct toll_discount half = { TOLL_SLICE("half"), 1, 2, 100, 200 };
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;

	assert_int_equal(add_dated(builder, "a", 0, 50, 300, "8"), 0);
	assert_int_equal(toll_pricebook_builder_discount_rule(builder, 0, &half), 0);
	b = finish_book(builder, "v");
	assert_int_equal(toll_pricebook_rule_count(b), 3);
	assert_int_equal(usd_at(b, 99), 8);
	assert_int_equal(usd_at(b, 100), 4);
	assert_int_equal(usd_at(b, 199), 4);
	assert_int_equal(usd_at(b, 200), 8);
	assert_int_equal(usd_at(b, 300), 0);
	free_book(b);
}

/* ---- what is refused ---- */

static void two_meters(struct sketch *k)
{
	sketch_meter(k, TOLL_QUANTITY_CALLS, "1", 1);
	sketch_meter(k, TOLL_QUANTITY_CALLS, "1", 1);
}

static void context_meter(struct sketch *k)
{
	sketch_meter(k, TOLL_QUANTITY_CONTEXT_TOKENS, "1", 1);
}

static void nameless_attribute(struct sketch *k)
{
	sketch_meter(k, TOLL_QUANTITY_ATTRIBUTE, "1", 1);
}

static void no_meter(struct sketch *k)
{
	k->rule.free = false;
}

static void free_and_meter(struct sketch *k)
{
	sketch_meter(k, TOLL_QUANTITY_CALLS, "1", 1);
	k->rule.free = true;
}

static void no_time(struct sketch *k)
{
	k->rule.free = true;
	k->rule.valid_from_s = k->rule.valid_to_s = 5;
}

static void no_texts(struct sketch *k)
{
	k->rule.free = true;
	sketch_when(k, "model", TOLL_MATCH_ONE_OF, NULL);
}

static void odd_quantities(struct sketch *k)
{
	sketch_meter(k, TOLL_QUANTITY_CALLS, "1e-24", UINT64_C(18446744073709551557));
	sketch_meter(k, TOLL_QUANTITY_DURATION, "1e-24", 3);
}

static void what_no_rule_may_say_is_told(void **state TOLL_UNUSED)
{
	static const struct {
		void (*sketch)(struct sketch *k);
		const char *why;
	} cases[] = {
		{ two_meters, "the meter calls comes twice" },
		{ context_meter, "context_tokens only chooses tiers" },
		{ nameless_attribute, "names an attribute" },
		{ no_meter, "has no meters" },
		{ free_and_meter, "is free and has meters" },
		{ no_time, "valid_from must be before valid_to" },
		{ no_texts, "one_of needs 1 to 4096 texts" },
		{ odd_quantities, "no common multiple" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_pricebook_builder *b = toll_pricebook_builder_new();
		struct toll_error why = { 0 };
		struct sketch k;

		sketch_init(&k, "rule");
		cases[i].sketch(&k);
		assert_int_equal(sketch_add(&k, b, &why), TOLL_EINVALID);
		if (!strstr(why.text, cases[i].why))
			fail_msg("%s, not %s", why.text, cases[i].why);
		assert_int_equal(toll_pricebook_builder_rule_count(b), 0);
		toll_pricebook_builder_free(b);
	}
}

static void more_fields_than_a_book_has_are_refused(void **state TOLL_UNUSED)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_error why = { 0 };
	struct toll_pricebook *b;
	char id[16], field[16];

	for (int i = 0; i <= TOLL_PRICEBOOK_FIELDS; i++) {
		struct sketch k;

		snprintf(id, sizeof(id), "r%d", i);
		snprintf(field, sizeof(field), "f%d", i);
		make(&k, id);
		sketch_when(&k, field, TOLL_MATCH_EXACT, "x");
		assert_int_equal(sketch_add(&k, builder, NULL), 0);
	}
	assert_int_equal(toll_pricebook_builder_finish(builder, TOLL_SLICE("v"), &b, &why),
	                 TOLL_EFULL);
	assert_non_null(strstr(why.text, "more than 64 different fields"));
}

static void globs_match_whole_values(void **state TOLL_UNUSED)
{
	static const struct {
		const char *glob, *value;
		bool holds;
	} cases[] = {
		{ "*", "", true },
		{ "gpt-4o*", "gpt-4o", true },
		{ "gpt-4o*", "gpt-4", false },
		{ "*mini", "gpt-4o-mini", true },
		{ "*o*mini", "gpt-4o-mini", true },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "a*b*c", "aXbXbXc", true },
		{ "a*b*c", "aXbXb", false },
		{ "", "", true },
		{ "", "a", false },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_slice text = toll_slice_str(cases[i].glob);
		const struct toll_condition c = { TOLL_SLICE("f"), TOLL_MATCH_GLOB, &text, 1 };

		if (toll_condition_holds(&c, true, toll_slice_str(cases[i].value)) !=
		    cases[i].holds)
			fail_msg("%s, %s", cases[i].glob, cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_the_order_counts),
		cmocka_unit_test(classes_are_by_service_and_operation),
		cmocka_unit_test(rows_of_one_id_follow_each_other),
		cmocka_unit_test(a_higher_layer_replaces_all_rows_of_an_id),
		cmocka_unit_test(rows_of_one_id_must_not_overlap),
		cmocka_unit_test(units_have_dates_and_layers_too),
		cmocka_unit_test(a_discount_splits_a_row_in_time),
		cmocka_unit_test(what_no_rule_may_say_is_told),
		cmocka_unit_test(more_fields_than_a_book_has_are_refused),
		cmocka_unit_test(globs_match_whole_values),
	};

	return cmocka_run_group_tests_name("price_builder", tests, NULL, NULL);
}
