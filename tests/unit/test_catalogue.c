/* SPDX-License-Identifier: Apache-2.0 */
/* The prices that ship with the program are in it, whole. */
#include "prices/catalogue.h"

#include "cost/price_builder.h"
#include "cost/price_charge.h"
#include "prices/document.h"
#include "proto/attr.h"
#include "tests/unit/unit.h"

/* The file in the source tree, without its comments; the caller frees it. */
static char *read_file(const char *section, size_t *ret_len)
{
	char path[128], line[65536];
	size_t len = 0, room = 4 << 20;
	char *text = malloc(room);
	FILE *f;

	snprintf(path, sizeof(path), "catalogue/%s.yaml", section);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(text);
	while (fgets(line, sizeof(line), f)) {
		const char *kept = line[strspn(line, " ")] == '#' ? "\n" : line;

		assert_true(len + strlen(kept) < room);
		memcpy(text + len, kept, strlen(kept));
		len += strlen(kept);
	}
	fclose(f);
	*ret_len = len;
	return text;
}

static void every_section_is_its_file(void **state)
{
	const char *name;
	struct toll_slice text;
	unsigned count = 0;

	(void)state;
	for (; (text = toll_catalogue_document(count, &name)).ptr; count++) {
		size_t len;
		char *file = read_file(name, &len);

		assert_true(toll_slice_eq(text, toll_slice(file, len)));
		free(file);
	}
	assert_int_equal(count, 5);
}

static void what_true_reads_charges_nothing_twice(void **state)
{
	const char *name;

	(void)state;
	for (unsigned i = 0; toll_catalogue_document(i, &name).ptr; i++)
		if (strcmp(name, "compute") == 0 || strcmp(name, "egress") == 0)
			assert_false(toll_catalogue_is_preset(i));
	assert_true(toll_catalogue_is_preset(0));
	assert_false(toll_catalogue_is_preset(99));
}

/* ---- as a book ---- */

enum { MILLION = 1000000 };
#define NOW INT64_C(1795219200) /* 2026-11-21 */

/* The sections that are preset, or the others. */
static struct toll_pricebook *read_sections(bool preset)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_findings findings = { 0 };
	struct toll_pricebook *book = NULL;
	struct toll_error why = { 0 };
	const char *name;
	struct toll_slice text;

	for (unsigned i = 0; (text = toll_catalogue_document(i, &name)).ptr; i++) {
		char file[64];

		if (toll_catalogue_is_preset(i) != preset)
			continue;
		snprintf(file, sizeof(file), "%s.yaml", name);
		assert_int_equal(toll_prices_read(text, file, 0, builder, &findings), 0);
	}
	toll_findings_print(&findings, stderr);
	assert_int_equal(findings.count, 0);
	assert_int_equal(toll_pricebook_builder_finish(builder, TOLL_SLICE("1"), &book, &why), 0);
	toll_findings_release(&findings);
	return book;
}

static void set_field(struct toll_price_lookup *l, const struct toll_pricebook *book,
                      struct toll_slice field, struct toll_slice value)
{
	uint32_t i = toll_pricebook_field_index(book, field);

	assert_true(i < TOLL_PRICEBOOK_FIELDS);
	l->has |= UINT64_C(1) << i;
	l->values[i] = value;
}

/* A text for which the condition holds; with more behind and before it where that may be. */
static struct toll_slice example(const struct toll_condition *c, uint32_t i, char buf[512])
{
	const char *more = i % 2 ? "-x9" : "";
	struct toll_slice text = c->text_count ? c->texts[i / 2 % c->text_count] : TOLL_SLICE("1");
	size_t len = 0;

	if (c->op == TOLL_MATCH_PREFIX || c->op == TOLL_MATCH_SUFFIX) {
		snprintf(buf, 512, "%s%.*s%s", c->op == TOLL_MATCH_SUFFIX ? more : "",
		         TOLL_FMT(text), c->op == TOLL_MATCH_PREFIX ? more : "");
		return toll_slice_str(buf);
	}
	if (c->op != TOLL_MATCH_GLOB)
		return text;
	for (size_t at = 0; at < text.len && len < 500; at++)
		if (text.ptr[at] == '*')
			len += (size_t)snprintf(buf + len, 512 - len, "%s", more);
		else
			buf[len++] = text.ptr[at] == '?' ? '1' : text.ptr[at];
	return toll_slice(buf, len);
}

/* With values of this number for the model, and the first for everything else. */
static bool wins(const struct toll_pricebook *book, const struct toll_price_rule *rule, uint32_t i)
{
	struct toll_price_lookup l = { 0 };
	char bufs[16][512];
	int64_t at = rule->valid_from_s != TOLL_TIME_OPEN_FROM ? rule->valid_from_s
	             : rule->valid_to_s != TOLL_TIME_OPEN_TO   ? rule->valid_to_s - 1
	                                                       : NOW;
	const struct toll_price *price;

	for (uint32_t c = 0; c < rule->condition_count; c++) {
		const struct toll_condition *cond = &rule->conditions[c];
		bool is_model = toll_slice_is(cond->field, "model");

		set_field(&l, book, cond->field, example(cond, is_model ? i : 0, bufs[c]));
	}
	price = toll_pricebook_find(book, &l, at);
	return price && price->rule == rule;
}

static void no_rule_is_dead_in(bool preset)
{
	struct toll_pricebook *book = read_sections(preset);
	unsigned dead = 0;

	for (uint32_t r = 0; r < toll_pricebook_rule_count(book); r++) {
		const struct toll_price_rule *rule = toll_pricebook_rule(book, r)->rule;
		bool won = false;

		for (uint32_t i = 0; i < 40 && !won; i++)
			won = wins(book, rule, i);
		if (!won)
			print_error("%.*s prices no span\n", TOLL_FMT(rule->id));
		dead += !won;
	}
	assert_int_equal(dead, 0);
	toll_shared_unref(toll_pricebook_shared(book));
}

static void every_rule_prices_some_span(void **state)
{
	(void)state;
	no_rule_is_dead_in(true);
	no_rule_is_dead_in(false);
}

/* What a span of this model costs. */
static int64_t charge(const struct toll_pricebook *book, const char *model, unsigned input,
                      unsigned output)
{
	struct toll_price_lookup l = { 0 };
	struct toll_metered m = { .known = true };
	struct toll_sum sum = { 0 };
	const struct toll_price *price;
	int64_t pico = -1;

	set_field(&l, book, TOLL_SLICE("model"), toll_slice_str(model));
	price = toll_pricebook_find(book, &l, NOW);
	assert_non_null(price);
	m.quantities[TOLL_QUANTITY_INPUT_TOKENS] = toll_quantity_of(input);
	m.quantities[TOLL_QUANTITY_OUTPUT_TOKENS] = toll_quantity_of(output);
	m.quantities[TOLL_QUANTITY_CONTEXT_TOKENS] = toll_quantity_of(input);
	m.has = 1u << TOLL_QUANTITY_INPUT_TOKENS | 1u << TOLL_QUANTITY_OUTPUT_TOKENS |
	        1u << TOLL_QUANTITY_CONTEXT_TOKENS;
	assert_int_equal(toll_price_charge(price, &m, &sum, NULL).outcome, TOLL_CHARGED);
	assert_int_equal(toll_sum_round(&sum, &pico), 0);
	return pico;
}

static void models_that_everybody_asks_for_cost_what_their_makers_say(void **state)
{
	static const struct {
		const char *model;
		int64_t input, output; /* picodollars a token */
	} cases[] = {
		{ "gpt-4o", 2500000, 10000000 },
		{ "gpt-4o-mini", 150000, 600000 },
		{ "claude-3-5-haiku-20241022", 800000, 4000000 },
		{ "claude-sonnet-4-20250514", 3000000, 15000000 },
	};
	struct toll_pricebook *book = read_sections(true);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(charge(book, cases[i].model, 1, 0), cases[i].input);
		assert_int_equal(charge(book, cases[i].model, 0, 1), cases[i].output);
	}
	toll_shared_unref(toll_pricebook_shared(book));
}

static void a_long_prompt_is_charged_by_its_tier(void **state)
{
	struct toll_pricebook *book = read_sections(true);

	(void)state;
	assert_int_equal(charge(book, "claude-haiku-5-5", 100000, 0), 10000000000);
	assert_int_equal(charge(book, "claude-haiku-5-5", 100001, 0), 50000500000);
	toll_shared_unref(toll_pricebook_shared(book));
}

/* Dollars for a million, at a day. */
static int64_t unit_price(const struct toll_pricebook *book, const char *unit, int64_t at)
{
	const struct toll_price *price = toll_pricebook_unit(book, toll_slice_str(unit), at);
	struct toll_metered m = { .has_attributes = 1 };
	struct toll_sum sum = { 0 };
	int64_t pico = -1;

	if (!price)
		fail_msg("no price of unit %s", unit);
	m.attributes[0] = toll_quantity_of(MILLION);
	assert_int_equal(toll_price_charge(price, &m, &sum, NULL).outcome, TOLL_CHARGED);
	assert_int_equal(toll_sum_round(&sum, &pico), 0);
	return pico;
}

/* Keys that the scanner does not know are looked for by text, in every attribute of every span. */
static void rules_ask_for_keys_that_the_scanner_knows(void **state)
{
	static const char *const reserved[] = { "provider", "model", "kind" };
	struct toll_pricebook *book = read_sections(true);

	(void)state;
	for (uint32_t i = 0; i < toll_pricebook_field_count(book); i++) {
		struct toll_slice field = toll_pricebook_field(book, i);
		bool known = toll_key_of(field) != TOLL_KEY_OTHER;

		for (size_t r = 0; r < sizeof(reserved) / sizeof(reserved[0]); r++)
			known |= toll_slice_is(field, reserved[r]);
		if (!known)
			fail_msg("%.*s is not in semconv.def", TOLL_FMT(field));
	}
	toll_shared_unref(toll_pricebook_shared(book));
}

/* A rule calls a provider by any of its names, as spans do. */
static void a_provider_is_known_by_all_its_names(void **state)
{
	static const char document[] = "format: spantoll.prices/v1\nrules:\n  - {id: a, match: "
				       "{provider: AWS.Bedrock}, free: true}\n";
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_findings findings = { 0 };
	struct toll_pricebook *book = NULL;
	struct toll_price_lookup l = { 0 };
	struct toll_error why = { 0 };

	(void)state;
	assert_int_equal(
		toll_prices_read(toll_slice_str(document), "a.yaml", 1, builder, &findings), 0);
	assert_int_equal(toll_pricebook_builder_finish(builder, TOLL_SLICE("1"), &book, &why), 0);
	set_field(&l, book, TOLL_SLICE("provider"), TOLL_SLICE("aws"));
	assert_non_null(toll_pricebook_find(book, &l, NOW));
	toll_shared_unref(toll_pricebook_shared(book));
	toll_findings_release(&findings);
}

static void units_have_todays_price_and_the_one_before(void **state)
{
	static const struct {
		const char *unit;
		int64_t now, before; /* picodollars for a million */
	} cases[] = {
		{ "dynamodb_read", 125000000000, 250000000000 },
		{ "dynamodb_write", 625000000000, 1250000000000 },
		{ "s3_get", 400000000000, 400000000000 },
		{ "s3_put", 5000000000000, 5000000000000 },
		{ "aws_lambda_request", 200000000000, 200000000000 },
		{ "sqs_send", 400000000000, 400000000000 },
		{ "sqs_receive", 400000000000, 400000000000 },
	};
	struct toll_pricebook *book = read_sections(true);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(unit_price(book, cases[i].unit, NOW), cases[i].now);
		assert_int_equal(unit_price(book, cases[i].unit, INT64_C(1730419199)),
		                 cases[i].before); /* 2024-10-31 23:59:59 */
	}
	toll_shared_unref(toll_pricebook_shared(book));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_section_is_its_file),
		cmocka_unit_test(what_true_reads_charges_nothing_twice),
		cmocka_unit_test(every_rule_prices_some_span),
		cmocka_unit_test(models_that_everybody_asks_for_cost_what_their_makers_say),
		cmocka_unit_test(a_long_prompt_is_charged_by_its_tier),
		cmocka_unit_test(a_provider_is_known_by_all_its_names),
		cmocka_unit_test(rules_ask_for_keys_that_the_scanner_knows),
		cmocka_unit_test(units_have_todays_price_and_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
