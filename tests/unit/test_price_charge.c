/* SPDX-License-Identifier: Apache-2.0 */
/* What meters make of quantities: steps, tiers, fallbacks, and what cannot be charged. */
#include "cost/price_charge.h"

#include "tests/support/prices.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)

struct case_of {
	struct sketch k;
	struct toll_metered m;
	struct toll_bill bill;
	struct toll_charge_result result;
	int64_t pico;
	bool free;
};

static void setup(struct case_of *c)
{
	memset(c, 0, sizeof(*c));
	sketch_init(&c->k, "rule");
}

static void has(struct case_of *c, enum toll_quantity_kind kind, uint64_t units)
{
	c->m.quantities[kind] = toll_quantity_of(units);
	c->m.has |= 1u << kind;
	c->m.known |= toll_quantity_info(kind)->family == TOLL_FAMILY_USAGE;
}

static void charge(struct case_of *c)
{
	struct toll_pricebook *b = book_of_sketch(&c->k);
	struct toll_sum sum = { 0 };

	has(c, TOLL_QUANTITY_CALLS, 1);
	has(c, TOLL_QUANTITY_DURATION, 2000000);
	c->result = toll_price_charge(toll_pricebook_rule(b, 0), &c->m, &sum, &c->bill);
	c->free = toll_price_is_free(toll_pricebook_rule(b, 0), &c->m);
	c->pico = -1;
	if (c->result.outcome == TOLL_CHARGED)
		assert_int_equal(toll_sum_round(&sum, &c->pico), 0);
	free_book(b); /* of the bill only numbers are looked at below */
}

static void meter(struct case_of *c, enum toll_quantity_kind kind, const char *usd)
{
	sketch_meter(&c->k, kind, usd, 1000000);
}

static void tokens_of_a_chat_cost_what_the_provider_says(void **state TOLL_UNUSED)
{
	struct case_of c;

	setup(&c);
	meter(&c, TOLL_QUANTITY_INPUT_TOKENS, "2.50");
	meter(&c, TOLL_QUANTITY_CACHED_TOKENS, "1.25");
	meter(&c, TOLL_QUANTITY_OUTPUT_TOKENS, "10");
	has(&c, TOLL_QUANTITY_INPUT_TOKENS, 1000);
	has(&c, TOLL_QUANTITY_CACHED_TOKENS, 200);
	has(&c, TOLL_QUANTITY_OUTPUT_TOKENS, 50);
	charge(&c);
	assert_int_equal(c.pico, INT64_C(1000) * 2500000 + 200 * 1250000 + 50 * 10000000);
	assert_int_equal(c.bill.count, 3);
	assert_int_equal(c.bill.lines[1].pico, 200 * 1250000);
	assert_false(c.free);
}

static void kinds_without_a_rate_are_charged_by_another(void **state TOLL_UNUSED)
{
	static const struct {
		enum toll_quantity_kind kind;
		int64_t pico;
	} cases[] = {
		{ TOLL_QUANTITY_CACHED_TOKENS, 2500000 },
		{ TOLL_QUANTITY_CACHE_WRITE_TOKENS, 3000000 },
		{ TOLL_QUANTITY_CACHE_WRITE_1H_TOKENS, 3000000 },
		{ TOLL_QUANTITY_INPUT_AUDIO_TOKENS, 2500000 },
		{ TOLL_QUANTITY_INPUT_IMAGE_TOKENS, 2500000 },
		{ TOLL_QUANTITY_OUTPUT_AUDIO_TOKENS, 10000000 },
		{ TOLL_QUANTITY_REASONING_TOKENS, 0 }, /* are in output_tokens */
		{ TOLL_QUANTITY_IMAGES, 0 },           /* are no tokens */
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct case_of c;

		setup(&c);
		meter(&c, TOLL_QUANTITY_INPUT_TOKENS, "2.50");
		meter(&c, TOLL_QUANTITY_CACHE_WRITE_TOKENS, "3");
		meter(&c, TOLL_QUANTITY_OUTPUT_TOKENS, "10");
		has(&c, cases[i].kind, 1);
		charge(&c);
		assert_int_equal(c.pico, cases[i].pico);
	}
}

static void what_has_no_rate_at_all_is_not_charged_less(void **state TOLL_UNUSED)
{
	struct case_of c;

	setup(&c);
	meter(&c, TOLL_QUANTITY_INPUT_TOKENS, "2.50");
	has(&c, TOLL_QUANTITY_INPUT_TOKENS, 10);
	has(&c, TOLL_QUANTITY_OUTPUT_TOKENS, 0);
	charge(&c);
	assert_int_equal(c.pico, 25000000); /* an embedding */
	setup(&c);
	meter(&c, TOLL_QUANTITY_INPUT_TOKENS, "2.50");
	has(&c, TOLL_QUANTITY_INPUT_TOKENS, 10);
	has(&c, TOLL_QUANTITY_OUTPUT_TOKENS, 1);
	charge(&c);
	assert_int_equal(c.result.outcome, TOLL_CHARGE_NO_RATE);
	assert_int_equal(c.result.kind, TOLL_QUANTITY_OUTPUT_TOKENS);
	/* Who prices a model by the time has no rate for any token. */
	setup(&c);
	sketch_meter(&c.k, TOLL_QUANTITY_DURATION, "1", 1000000);
	has(&c, TOLL_QUANTITY_OUTPUT_TOKENS, 1);
	charge(&c);
	assert_int_equal(c.pico, 2 * TOLL_PICO_PER_USD);
}

static void reasoning_is_charged_once(void **state TOLL_UNUSED)
{
	for (int separate = 0; separate < 2; separate++) {
		struct case_of c;

		setup(&c);
		meter(&c, TOLL_QUANTITY_OUTPUT_TOKENS, "10");
		if (separate)
			meter(&c, TOLL_QUANTITY_REASONING_TOKENS, "3");
		has(&c, TOLL_QUANTITY_OUTPUT_TOKENS, 100);
		has(&c, TOLL_QUANTITY_REASONING_TOKENS, 60);
		charge(&c);
		assert_int_equal(c.pico, separate ? 40 * 10000000 + 60 * 3000000 : 1000000000);
	}
}

static void tiers_take_the_whole_request(void **state TOLL_UNUSED)
{
	static const struct {
		uint64_t input, cached;
		int64_t per_token;
	} cases[] = { { 200000, 0, 1250000 },
		      { 200001, 0, 2500000 },
		      { 100000, 100001, 2500000 }, /* of the whole prompt */
		      { 1000001, 0, 5000000 } };

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_tier tiers[2] = { { TOLL_QUANTITY_CONTEXT_TOKENS, 1000000, { 0 } },
			                      { TOLL_QUANTITY_CONTEXT_TOKENS, 200000, { 0 } } };
		struct case_of c;
		struct toll_meter *m;

		setup(&c);
		assert_int_equal(toll_rate_parse(TOLL_SLICE("5"), 1000000, &tiers[0].rate), 0);
		assert_int_equal(toll_rate_parse(TOLL_SLICE("2.5"), 1000000, &tiers[1].rate), 0);
		m = sketch_meter(&c.k, TOLL_QUANTITY_INPUT_TOKENS, "1.25", 1000000);
		m->tiers = tiers;
		m->tier_count = 2;
		has(&c, TOLL_QUANTITY_INPUT_TOKENS, cases[i].input);
		if (cases[i].cached)
			has(&c, TOLL_QUANTITY_CACHED_TOKENS, cases[i].cached);
		charge(&c);
		assert_int_equal(c.pico,
		                 (int64_t)(cases[i].input + cases[i].cached) * cases[i].per_token);
	}
}

/* A provider that counts the prompt otherwise knows best. */
static void the_context_is_what_the_span_says(void **state TOLL_UNUSED)
{
	struct toll_tier tier = { TOLL_QUANTITY_CONTEXT_TOKENS, 100, { 0 } };
	struct case_of c;
	struct toll_meter *m;

	setup(&c);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("2"), 1000000, &tier.rate), 0);
	m = sketch_meter(&c.k, TOLL_QUANTITY_INPUT_TOKENS, "1", 1000000);
	m->tiers = &tier;
	m->tier_count = 1;
	has(&c, TOLL_QUANTITY_INPUT_TOKENS, 10);
	has(&c, TOLL_QUANTITY_CONTEXT_TOKENS, 101);
	charge(&c);
	assert_int_equal(c.pico, 10 * 2000000);
}

/* 150,000 of input and 100,000 read from a cache are 250,000 where the rule tells no cache. */
static void tiers_of_a_meter_go_by_all_it_charges(void **state TOLL_UNUSED)
{
	struct toll_tier tier = { TOLL_QUANTITY_INPUT_TOKENS, 200000, { 0 } };
	struct case_of c;
	struct toll_meter *m;

	setup(&c);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("2"), 1000000, &tier.rate), 0);
	m = sketch_meter(&c.k, TOLL_QUANTITY_INPUT_TOKENS, "1", 1000000);
	m->tiers = &tier;
	m->tier_count = 1;
	has(&c, TOLL_QUANTITY_INPUT_TOKENS, 150000);
	has(&c, TOLL_QUANTITY_CACHED_TOKENS, 100000);
	charge(&c);
	assert_int_equal(c.pico, INT64_C(250000) * 2000000);
	assert_int_equal(c.bill.count, 2);
}

/* What is rounded up, or is at least so much, is so once. */
static void a_minimum_is_charged_once(void **state TOLL_UNUSED)
{
	struct case_of c;
	struct toll_meter *m;

	setup(&c);
	m = sketch_meter(&c.k, TOLL_QUANTITY_INPUT_TOKENS, "1", 1000000);
	m->at_least = 1000;
	has(&c, TOLL_QUANTITY_INPUT_TOKENS, 200);
	has(&c, TOLL_QUANTITY_CACHED_TOKENS, 300);
	charge(&c);
	assert_int_equal(c.pico, INT64_C(1000) * 1000000);
	m->at_least = 0;
	m->step = 400;
	charge(&c);
	assert_int_equal(c.pico, INT64_C(800) * 1000000);
}

static void a_tier_by_what_the_span_does_not_tell_is_not_left_out(void **state TOLL_UNUSED)
{
	static const enum toll_quantity_kind by[] = { TOLL_QUANTITY_REQUEST_BYTES,
		                                      TOLL_QUANTITY_CONTEXT_TOKENS,
		                                      TOLL_QUANTITY_OUTPUT_TOKENS };

	for (size_t i = 0; i < TOLL_COUNT(by); i++) {
		struct toll_tier tier = { by[i], 1000, { 0 } };
		struct case_of c;
		struct toll_meter *m;

		setup(&c);
		assert_int_equal(toll_rate_parse(TOLL_SLICE("2"), 1, &tier.rate), 0);
		m = sketch_meter(&c.k, TOLL_QUANTITY_CALLS, "1", 1);
		m->tiers = &tier;
		m->tier_count = 1;
		charge(&c);
		assert_int_equal(c.result.outcome, TOLL_CHARGE_NO_QUANTITY);
		assert_int_equal(c.result.kind, by[i]);
		has(&c, by[i], 1001);
		charge(&c);
		assert_int_equal(c.pico, 2 * TOLL_PICO_PER_USD);
	}
}

/* Speech is sold by the character: tokens on the span do not make it free. */
static void characters_and_images_are_not_told_by_tokens(void **state TOLL_UNUSED)
{
	static const enum toll_quantity_kind kinds[] = { TOLL_QUANTITY_CHARACTERS,
		                                         TOLL_QUANTITY_IMAGES };

	for (size_t i = 0; i < TOLL_COUNT(kinds); i++) {
		struct case_of c;

		setup(&c);
		meter(&c, kinds[i], "15");
		has(&c, TOLL_QUANTITY_INPUT_TOKENS, 12);
		charge(&c);
		assert_int_equal(c.result.outcome, TOLL_CHARGE_NO_QUANTITY);
		assert_int_equal(c.result.kind, kinds[i]);
		has(&c, kinds[i], 4);
		charge(&c);
		assert_int_equal(c.pico, 60 * INT64_C(1000000));
	}
}

/* A request of 65 KiB is two of 64; one of nothing is still one. */
static void steps_round_up(void **state TOLL_UNUSED)
{
	static const struct {
		uint64_t bytes;
		int64_t steps;
	} cases[] = { { 0, 1 }, { 1, 1 }, { 65536, 1 }, { 65537, 2 }, { MIB, 16 } };

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct case_of c;
		struct toll_meter *m;

		setup(&c);
		m = sketch_meter(&c.k, TOLL_QUANTITY_REQUEST_BYTES, "0.4",
		                 UINT64_C(1000000) * 65536);
		m->step = m->at_least = 65536;
		has(&c, TOLL_QUANTITY_REQUEST_BYTES, cases[i].bytes);
		charge(&c);
		assert_int_equal(c.pico, cases[i].steps * 400000);
	}
}

static void fractions_of_a_unit_round_up_to_a_step_too(void **state TOLL_UNUSED)
{
	struct case_of c;
	struct toll_meter *m;

	setup(&c);
	m = sketch_meter(&c.k, TOLL_QUANTITY_READ_CAPACITY_UNITS, "0.25", 1000000);
	has(&c, TOLL_QUANTITY_READ_CAPACITY_UNITS, 0);
	c.m.quantities[TOLL_QUANTITY_READ_CAPACITY_UNITS] = (struct toll_quantity){ 15, 1 };
	charge(&c);
	assert_int_equal(c.pico, 375000);
	m->step = 1;
	charge(&c);
	assert_int_equal(c.pico, 500000);
	m->step = 0;
	m->at_least = 2;
	charge(&c);
	assert_int_equal(c.pico, 500000);
}

static void what_the_span_does_not_tell_is_not_free(void **state TOLL_UNUSED)
{
	struct case_of c;
	struct toll_meter *m;

	setup(&c);
	meter(&c, TOLL_QUANTITY_INPUT_TOKENS, "2.50");
	charge(&c);
	assert_int_equal(c.result.outcome, TOLL_CHARGE_NO_USAGE);
	setup(&c);
	meter(&c, TOLL_QUANTITY_GB_SECONDS, "1");
	charge(&c);
	assert_int_equal(c.result.outcome, TOLL_CHARGE_NO_QUANTITY);
	assert_int_equal(c.result.kind, TOLL_QUANTITY_GB_SECONDS);
	setup(&c);
	m = sketch_meter(&c.k, TOLL_QUANTITY_ATTRIBUTE, "1", 1);
	m->attribute = TOLL_SLICE("pages");
	charge(&c);
	assert_int_equal(c.result.outcome, TOLL_CHARGE_NO_QUANTITY);
	m->at_least = 3; /* but the least it can be is known */
	charge(&c);
	assert_int_equal(c.pico, 3 * TOLL_PICO_PER_USD);
}

static void a_free_rule_needs_no_quantities(void **state TOLL_UNUSED)
{
	struct case_of c;

	setup(&c);
	meter(&c, TOLL_QUANTITY_INPUT_TOKENS, "0");
	meter(&c, TOLL_QUANTITY_OUTPUT_TOKENS, "0");
	charge(&c);
	assert_int_equal(c.pico, 0);
	assert_true(c.free);
}

/* An agent repeats the tokens of the calls it made. */
static void who_repeats_its_children_pays_no_tokens(void **state TOLL_UNUSED)
{
	static const struct {
		bool service, duration;
		int64_t pico;
		bool free;
	} cases[] = {
		{ false, false, 0, true },
		{ false, true, 0, true }, /* a price of a model call, not of this */
		{ true, false, 0, true },
		{ true, true, 2 * TOLL_PICO_PER_USD, true }, /* free only where the sum is 0 */
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct case_of c;

		setup(&c);
		sketch_when(&c.k, cases[i].service ? "service" : "model", TOLL_MATCH_EXACT, "x");
		meter(&c, TOLL_QUANTITY_INPUT_TOKENS, "2.50");
		if (cases[i].duration)
			meter(&c, TOLL_QUANTITY_DURATION, "1");
		has(&c, TOLL_QUANTITY_INPUT_TOKENS, 100);
		c.m.aggregate = true;
		charge(&c);
		assert_int_equal(c.pico, cases[i].pico);
		assert_int_equal(c.free, cases[i].free);
	}
}

static void too_much_is_an_overflow(void **state TOLL_UNUSED)
{
	struct case_of c;
	struct toll_meter *m;

	setup(&c);
	m = sketch_meter(&c.k, TOLL_QUANTITY_GB_SECONDS, "1e12", 1);
	has(&c, TOLL_QUANTITY_GB_SECONDS, 1);
	c.m.quantities[TOLL_QUANTITY_GB_SECONDS].units = (toll_u128)1 << 100;
	charge(&c);
	assert_int_equal(c.result.outcome, TOLL_CHARGE_OVERFLOW);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("1e-24"), 1, &m->rate), 0);
	m->step = UINT64_MAX;
	c.m.quantities[TOLL_QUANTITY_GB_SECONDS].units = ~(toll_u128)0;
	charge(&c);
	assert_int_equal(c.result.outcome, TOLL_CHARGE_OVERFLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_of_a_chat_cost_what_the_provider_says),
		cmocka_unit_test(kinds_without_a_rate_are_charged_by_another),
		cmocka_unit_test(what_has_no_rate_at_all_is_not_charged_less),
		cmocka_unit_test(reasoning_is_charged_once),
		cmocka_unit_test(tiers_take_the_whole_request),
		cmocka_unit_test(the_context_is_what_the_span_says),
		cmocka_unit_test(tiers_of_a_meter_go_by_all_it_charges),
		cmocka_unit_test(a_minimum_is_charged_once),
		cmocka_unit_test(a_tier_by_what_the_span_does_not_tell_is_not_left_out),
		cmocka_unit_test(characters_and_images_are_not_told_by_tokens),
		cmocka_unit_test(steps_round_up),
		cmocka_unit_test(fractions_of_a_unit_round_up_to_a_step_too),
		cmocka_unit_test(what_the_span_does_not_tell_is_not_free),
		cmocka_unit_test(a_free_rule_needs_no_quantities),
		cmocka_unit_test(who_repeats_its_children_pays_no_tokens),
		cmocka_unit_test(too_much_is_an_overflow),
	};

	return cmocka_run_group_tests_name("price_charge", tests, NULL, NULL);
}
