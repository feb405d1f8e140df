/* SPDX-License-Identifier: Apache-2.0 */
/* What the index finds is what trying all rules in their order finds, whatever the rules are. */
#include <stdio.h>
#include <time.h>

#include "tests/support/prices.h"
#include "tests/unit/unit.h"

enum { BOOKS = 300, LOOKUPS = 300, FIELDS = 7 };

static const char *const fields[FIELDS] = { "service", "operation", "provider",  "model",
	                                    "kind",    "db.system", "http.route" };
static const char *const values[] = { "",
	                              "a",
	                              "ab",
	                              "abc",
	                              "gpt-4o",
	                              "gpt-4o-mini",
	                              "gpt-4o-2024-08-06",
	                              "gemini-2.5-pro-preview-05-06",
	                              "/api/v2/users/*/orders/*",
	                              "/api/v2/users/*/orders/*/a-long-tail-that-fills-a-cell",
	                              "*" };
static const char *const globs[] = {
	"*",           "a*",  "*b", "?b*", "gpt-4o*", "gpt-?o*mini", "/api/*/users/*",
	"gemini-2*05", "ab?", "a"
};

static unsigned seed;

static uint32_t pick(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static const char *value(void)
{
	return values[pick(TOLL_COUNT(values))];
}

static void add_condition(struct sketch *k, const char *field)
{
	enum toll_match_op op = pick(3) ? TOLL_MATCH_EXACT : (enum toll_match_op)pick(7);
	bool none = op == TOLL_MATCH_EXISTS || op == TOLL_MATCH_ABSENT;

	sketch_when(k, field, op,
	            none                    ? NULL
	            : op == TOLL_MATCH_GLOB ? globs[pick(TOLL_COUNT(globs))]
	                                    : value());
	if (op == TOLL_MATCH_ONE_OF)
		for (uint32_t n = pick(4); n; n--)
			sketch_or(k, value());
}

static void add_random_rule(struct toll_pricebook_builder *b, uint32_t i, uint32_t one_in)
{
	struct sketch k;
	char id[32];

	snprintf(id, sizeof(id), "r%u", i);
	sketch_init(&k, id);
	for (uint32_t f = 0; f < FIELDS; f++)
		if (!pick(one_in))
			add_condition(&k, fields[f]);
	k.rule.free = true;
	k.rule.order = i;
	k.rule.layer = pick(3);
	k.rule.priority = pick(10) ? 0 : (int32_t)pick(3) - 1;
	if (!pick(4))
		k.rule.valid_from_s = pick(100);
	if (!pick(4))
		k.rule.valid_to_s = 100 + pick(100);
	assert_int_equal(sketch_add(&k, b, NULL), 0);
}

static const struct toll_price *try_all(const struct toll_pricebook *b,
                                        const struct toll_price_lookup *l, int64_t at_s)
{
	for (uint32_t i = 0; i < toll_pricebook_rule_count(b); i++) {
		const struct toll_price *p = toll_pricebook_rule(b, i);
		bool all = at_s >= p->rule->valid_from_s && at_s < p->rule->valid_to_s;

		for (uint32_t c = 0; c < p->rule->condition_count && all; c++) {
			bool has = l->has >> p->fields[c] & 1;

			all = toll_condition_holds(&p->rule->conditions[c], has,
			                           has ? l->values[p->fields[c]]
			                               : toll_slice(NULL, 0));
		}
		if (all)
			return p;
	}
	return NULL;
}

static void random_span(const struct toll_pricebook *b, struct toll_price_lookup *l)
{
	l->has = 0;
	for (uint32_t i = 0; i < toll_pricebook_field_count(b); i++) {
		if (!pick(4))
			continue;
		l->has |= UINT64_C(1) << i;
		l->values[i] = toll_slice_str(value());
	}
}

static uint32_t compare_book(uint32_t rules, uint32_t one_in)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_price_lookup l = { 0 };
	struct toll_pricebook *b;
	uint32_t found = 0;

	for (uint32_t i = 0; i < rules; i++)
		add_random_rule(builder, i, one_in);
	b = finish_book(builder, "v");
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		int64_t at_s = pick(200);
		const struct toll_price *want, *got;

		random_span(b, &l);
		want = try_all(b, &l, at_s);
		got = toll_pricebook_find(b, &l, at_s);
		if (want != got)
			fail_msg("rules %u, look-up %u: found %.*s, not %.*s", rules, i,
			         TOLL_FMT(got ? got->rule->id : TOLL_SLICE("none")),
			         TOLL_FMT(want ? want->rule->id : TOLL_SLICE("none")));
		found += got != NULL;
	}
	free_book(b);
	return found;
}

static void the_index_finds_what_trying_all_finds(void **state TOLL_UNUSED)
{
	uint32_t found = 0;

	seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	for (uint32_t i = 0; i < BOOKS; i++)
		found += compare_book(1 + pick(i < 30 ? 1000 : 40), 1 + pick(4));
	assert_true(found > BOOKS * LOOKUPS / 10);
}

/* More combinations of fields than there are groups: each of 200 rules has its own. */
static void many_small_groups_are_found_by_one_value(void **state TOLL_UNUSED)
{
	static const char *const bits[] = { "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7" };
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_price_lookup l = { 0 };
	struct toll_pricebook *b;

	for (uint32_t i = 1; i < 256; i++) {
		struct sketch k;
		char id[32];

		snprintf(id, sizeof(id), "r%u", i);
		sketch_init(&k, id);
		k.rule.free = true;
		for (uint32_t bit = 0; bit < 8; bit++) {
			if (i >> bit & 1)
				sketch_when(&k, bits[bit], TOLL_MATCH_EXACT, i % 3 ? id : "common");
		}
		assert_int_equal(sketch_add(&k, builder, NULL), 0);
	}
	b = finish_book(builder, "v");
	for (uint32_t i = 1; i < 256; i++) {
		char id[32];

		snprintf(id, sizeof(id), "r%u", i);
		l.has = 0;
		for (uint32_t f = 0; f < toll_pricebook_field_count(b); f++) {
			uint32_t bit = (uint32_t)(toll_pricebook_field(b, f).ptr[1] - '0');

			l.has |= (uint64_t)(i >> bit & 1) << f;
			l.values[f] = i % 3 ? toll_slice_str(id) : TOLL_SLICE("common");
		}
		assert_ptr_equal(toll_pricebook_find(b, &l, 0), try_all(b, &l, 0));
		assert_non_null(toll_pricebook_find(b, &l, 0));
	}
	free_book(b);
}

/* Lists of 200 x 200 x 200 texts: the keys are not their product. */
static void long_lists_do_not_multiply(void **state TOLL_UNUSED)
{
	static char texts[200][16];
	struct toll_slice slices[200];
	struct toll_condition conditions[3];
	const struct toll_price_rule rule = { .id = TOLL_SLICE("r"),
		                              .conditions = conditions,
		                              .condition_count = 3,
		                              .free = true,
		                              .valid_from_s = TOLL_TIME_OPEN_FROM,
		                              .valid_to_s = TOLL_TIME_OPEN_TO };
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_price_lookup l = { .has = 7 };
	struct toll_pricebook *b;

	for (int i = 0; i < 200; i++) {
		snprintf(texts[i], sizeof(texts[i]), "t%d", i);
		slices[i] = toll_slice_str(texts[i]);
	}
	for (int i = 0; i < 3; i++)
		conditions[i] = (struct toll_condition){ toll_slice_str(fields[i]),
			                                 TOLL_MATCH_ONE_OF, slices, 200 };
	assert_int_equal(toll_pricebook_builder_add_rule(builder, &rule, NULL), 0);
	b = finish_book(builder, "v");
	for (int i = 0; i < 3; i++)
		l.values[i] = slices[i * 99];
	assert_non_null(toll_pricebook_find(b, &l, 0));
	l.values[1] = TOLL_SLICE("t200");
	assert_null(toll_pricebook_find(b, &l, 0));
	free_book(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_finds_what_trying_all_finds),
		cmocka_unit_test(many_small_groups_are_found_by_one_value),
		cmocka_unit_test(long_lists_do_not_multiply),
	};

	return cmocka_run_group_tests_name("price_index", tests, NULL, NULL);
}
