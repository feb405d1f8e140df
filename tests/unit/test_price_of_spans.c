/* SPDX-License-Identifier: Apache-2.0 */
/* pricing and cost, one behind the other, over spans as they arrive: what each costs, and why not.
 */
#include "proto/attr.h"
#include "proto/edit.h"
#include "tests/support/component.h"
#include "tests/support/otlp.h"
#include "tests/support/prices.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_pricing, toll_processor_cost;

struct rig {
	struct component_rig pricing, cost;
	struct toll_pricebook_source source;
	struct toll_batch *b;
};

/* A call costs twice as much where more than 100 tokens were asked. */
static void add_tiered_calls(struct sketch *k)
{
	static struct toll_tier tier = { TOLL_QUANTITY_CONTEXT_TOKENS, 100, { 0 } };
	struct toll_meter *m = sketch_meter(k, TOLL_QUANTITY_CALLS, "1", 1000);

	assert_int_equal(toll_rate_parse(TOLL_SLICE("2"), 1000, &tier.rate), 0);
	m->tiers = &tier;
	m->tier_count = 1;
}

static void add_rules(struct toll_pricebook_builder *b)
{
	struct sketch k;

	sketch_init(&k, "openai/gpt-4o");
	sketch_when(&k, "provider", TOLL_MATCH_EXACT, "OpenAI");
	sketch_when(&k, "model", TOLL_MATCH_PREFIX, "GPT-4o");
	sketch_meter(&k, TOLL_QUANTITY_INPUT_TOKENS, "2.50", 1000000);
	sketch_meter(&k, TOLL_QUANTITY_OUTPUT_TOKENS, "10", 1000000);
	assert_int_equal(sketch_add(&k, b, NULL), 0);
	sketch_init(&k, "bedrock");
	sketch_when(&k, "provider", TOLL_MATCH_EXACT, "aws");
	sketch_when(&k, "model", TOLL_MATCH_EXACT, "nova");
	add_tiered_calls(&k);
	assert_int_equal(sketch_add(&k, b, NULL), 0);
	sketch_init(&k, "pages");
	sketch_when(&k, "step", TOLL_MATCH_EXACT, "7");
	sketch_when(&k, "final", TOLL_MATCH_EXACT, "true");
	sketch_meter(&k, TOLL_QUANTITY_ATTRIBUTE, "1.5", 1000)->attribute = TOLL_SLICE("pages");
	sketch_meter(&k, TOLL_QUANTITY_CALLS, "1", 1000);
	assert_int_equal(sketch_add(&k, b, NULL), 0);
	sketch_init(&k, "eu");
	sketch_when(&k, "region", TOLL_MATCH_PREFIX, "eu-");
	sketch_when(&k, "kind", TOLL_MATCH_ONE_OF, "server");
	sketch_or(&k, "internal");
	sketch_meter(&k, TOLL_QUANTITY_DURATION, "3", 1000000);
	assert_int_equal(sketch_add(&k, b, NULL), 0);
	sketch_init(&k, "s3_get");
	sketch_meter(&k, TOLL_QUANTITY_CALLS, "0.4", 1000000);
	k.rule.meters = k.meters;
	assert_int_equal(toll_pricebook_builder_add_unit(b, &k.rule, NULL), 0);
}

static struct toll_processor *load(struct component_rig *g, const struct toll_factory *f,
                                   const char *yaml)
{
	component_load(g, f, yaml);
	if (!g->settings)
		fail_msg("%s", g->findings);
	assert_int_equal(component_create(g, f), 0);
	return toll_container_of(g->component, struct toll_processor, super);
}

/* Prices the one span, which it takes. */
static const struct toll_span *price(struct rig *r, struct msg *take_span, const char *cost_yaml)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_processor *pricing, *cost;

	*r = (struct rig){ .source = { .current = TOLL_SNAPSHOT_INIT } };
	add_rules(builder);
	toll_snapshot_set(&r->source.current, toll_pricebook_shared(finish_book(builder, "v7")));
	pricing = load(&r->pricing, &toll_processor_pricing, "{}");
	assert_int_equal(toll_host_publish(r->pricing.host, "pricebook", "pricebook", &r->source),
	                 0);
	assert_int_equal(r->pricing.component->ops->start(r->pricing.component, NULL), 0);
	cost = load(&r->cost, &toll_processor_cost, cost_yaml);
	r->b = batch_of_request(request_of("svc", &take_span, 1));
	assert_int_equal(pricing->process(pricing, r->b), 0);
	assert_int_equal(cost->process(cost, r->b), 0);
	return &r->b->spans[0];
}

static void done(struct rig *r)
{
	toll_batch_unref(r->b);
	component_release(&r->pricing);
	component_release(&r->cost);
	toll_snapshot_set(&r->source.current, NULL);
}

static double number_of(const struct toll_span *s, const char *key)
{
	const struct toll_attr *a = toll_node_find_name(&s->node, toll_slice_str(key));

	return a ? toll_value_decode(toll_attr_value(a)).number : -1;
}

static struct msg *chat(const char *operation)
{
	struct msg *span = span_new("chat", 1, 1000000);

	msg_attr_str(span, 9, "gen_ai.operation.name", operation);
	msg_attr_str(span, 9, "gen_ai.provider.name", "openai");
	msg_attr_str(span, 9, "gen_ai.response.model", "gpt-4o-2024-08-06");
	return span;
}

static struct msg *chat_with_tokens(const char *operation)
{
	struct msg *span = chat(operation);

	msg_attr_int(span, 9, "gen_ai.usage.input_tokens", 1000);
	msg_attr_int(span, 9, "gen_ai.usage.output_tokens", 20);
	return span;
}

static void expect_error(struct rig *r, struct msg *take_span, enum toll_unpriced why,
                         const char *sentence)
{
	const struct toll_span *s = price(r, take_span, "{}");

	assert_int_equal(s->cost_state, TOLL_COST_UNPRICED);
	assert_int_equal(s->unpriced, why);
	if (s->cost_error.len < strlen(sentence) ||
	    memcmp(s->cost_error.ptr, sentence, strlen(sentence)) != 0)
		fail_msg("%.*s, not %s", TOLL_FMT(s->cost_error), sentence);
	done(r);
}

static void tokens_are_priced_by_provider_and_model(void **state TOLL_UNUSED)
{
	struct rig r;

	assert_int_equal(price(&r, chat_with_tokens("chat"), "{}")->cost_pico,
	                 INT64_C(1000) * 2500000 + 20 * 10000000);
	done(&r);
}

static void a_model_call_without_counts_is_not_free(void **state TOLL_UNUSED)
{
	struct rig r;

	expect_error(&r, chat("chat"), TOLL_UNPRICED_NO_USAGE, "no token counts on the span");
}

/* A provider has many names; tiers read what no meter charges. */
static void names_of_a_provider_are_one(void **state TOLL_UNUSED)
{
	static const char *const names[] = { "aws.bedrock", "bedrock", "AWS" };

	for (size_t i = 0; i < TOLL_COUNT(names); i++) {
		struct msg *span = span_new("chat", 1, 1000000);
		struct rig r;

		msg_attr_str(span, 9, "gen_ai.provider.name", names[i]);
		msg_attr_str(span, 9, "gen_ai.request.model", "Nova");
		msg_attr_int(span, 9, "gen_ai.usage.input_tokens", i ? 101 : 100);
		assert_int_equal(price(&r, span, "{}")->cost_pico,
		                 (i ? 2 : 1) * INT64_C(1000000000));
		done(&r);
	}
}

/* Matched by the same rule, matched by none: either way its children pay. */
static void an_agent_is_free(void **state TOLL_UNUSED)
{
	struct msg *unknown = span_new("invoke_agent x", 1, 1000000);
	struct rig r;

	assert_int_equal(price(&r, chat_with_tokens("invoke_agent"), "{}")->cost_state,
	                 TOLL_COST_FREE);
	done(&r);
	msg_attr_str(unknown, 9, "gen_ai.operation.name", "invoke_agent");
	assert_int_equal(price(&r, unknown, "{}")->cost_state, TOLL_COST_FREE);
	done(&r);
}

static struct msg *scan(const char *pages)
{
	struct msg *span = span_new("scan", 1, 1000000);
	struct msg *any = msg_new(), *kv = msg_new();

	msg_attr_int(span, 9, "step", 7);
	msg_varint(any, 2, 1);
	msg_text(kv, 1, "final");
	msg_add(kv, 2, any);
	msg_add(span, 9, kv);
	if (pages)
		msg_attr_str(span, 9, "pages", pages);
	return span;
}

static void numbers_and_booleans_match_by_their_text(void **state TOLL_UNUSED)
{
	struct rig r;

	assert_int_equal(price(&r, scan("2.5"), "{}")->cost_pico, INT64_C(3750000000) + 1000000000);
	done(&r);
}

static void what_is_no_quantity_prices_nothing(void **state TOLL_UNUSED)
{
	struct rig r;

	expect_error(&r, scan("many"), TOLL_UNPRICED_INVALID_QUANTITY, "invalid pages");
	expect_error(&r, scan("-1"), TOLL_UNPRICED_INVALID_QUANTITY, "invalid pages");
	expect_error(&r, scan(NULL), TOLL_UNPRICED_NO_QUANTITY, "the span does not tell pages");
}

static void too_many_tokens_are_poison(void **state TOLL_UNUSED)
{
	struct msg *span = chat("chat");
	struct rig r;

	msg_attr_int(span, 9, "gen_ai.usage.input_tokens", 100000001);
	expect_error(&r, span, TOLL_UNPRICED_INVALID_QUANTITY, "invalid tokens");
}

static void the_region_of_the_call_counts(void **state TOLL_UNUSED)
{
	struct msg *span = span_new("x", 1, 1000000);
	const struct toll_span *s;
	struct rig r;

	msg_attr_str(span, 9, "cloud.region", "eu-west-1");
	s = price(&r, span, "{}");
	assert_int_equal(s->cost_pico, 3 * TOLL_PICO_PER_USD);
	assert_true(toll_slice_is(s->region, "eu-west-1"));
	done(&r);
}

static void units_are_charged_in_addition(void **state TOLL_UNUSED)
{
	struct msg *span = chat_with_tokens("chat"), *alone = span_new("x", 1, 1);
	struct rig r;

	msg_attr_int(span, 9, "cost.units.s3_get", 3);
	assert_int_equal(price(&r, span, "{}")->cost_pico,
	                 INT64_C(1000) * 2500000 + 20 * 10000000 + 3 * 400000);
	done(&r);
	msg_attr_int(alone, 9, "cost.units.s3_get", 1);
	assert_int_equal(price(&r, alone, "{}")->cost_pico, 400000);
	done(&r);
}

static void a_unit_without_a_price_is_told(void **state TOLL_UNUSED)
{
	struct msg *span = chat_with_tokens("chat"), *bad = span_new("x", 1, 1);
	struct rig r;

	msg_attr_int(span, 9, "cost.units.s4_get", 3);
	expect_error(&r, span, TOLL_UNPRICED_NO_UNIT_PRICE, "no price for unit s4_get");
	msg_attr_int(bad, 9, "cost.units.s3_get", -3);
	expect_error(&r, bad, TOLL_UNPRICED_INVALID_QUANTITY, "invalid cost.units.s3_get");
}

static void the_breakdown_is_written_where_asked_for(void **state TOLL_UNUSED)
{
	struct msg *span = chat_with_tokens("chat");
	const struct toll_span *s;
	const struct toll_attr *version;
	struct rig r;

	msg_attr_int(span, 9, "cost.units.s3_get", 3);
	msg_attr_str(span, 9, "cost.breakdown.images", "a client's");
	msg_attr_str(span, 9, "cost.catalog.version", "a client's");
	s = price(&r, span, "{attributes: [catalog_version, breakdown]}");
	assert_true(number_of(s, "cost.breakdown.input_tokens") == 0.0025);
	assert_true(number_of(s, "cost.breakdown.output_tokens") == 0.0002);
	assert_true(number_of(s, "cost.breakdown.units.s3_get") == 0.0000012);
	assert_null(toll_node_find_name(&s->node, TOLL_SLICE("cost.breakdown.images")));
	version = toll_node_find_name(&s->node, TOLL_SLICE("cost.catalog.version"));
	assert_true(toll_slice_is(toll_attr_text(version), "v7"));
	done(&r);
	s = price(&r, chat_with_tokens("chat"), "{}");
	assert_null(toll_node_find_name(&s->node, TOLL_SLICE("cost.breakdown.input_tokens")));
	done(&r);
}

/* Sampled one in ten (th of 0.9 x 2^56), and one in a million. */
static void sampled_spans_stand_for_others(void **state TOLL_UNUSED)
{
	struct rig r;
	struct msg *span;

	span = chat_with_tokens("chat");
	msg_text(span, 3, "ot=th:e6666666666668");
	assert_int_equal(price(&r, span, "{}")->adjusted_count, 10);
	assert_int_equal(r.b->spans[0].cost_pico, INT64_C(1000) * 2500000 + 20 * 10000000);
	done(&r);
	span = chat_with_tokens("chat");
	msg_text(span, 3, "ot=th:e6666666666668");
	assert_int_equal(price(&r, span, "{adjust_for_sampling: false}")->adjusted_count, 1);
	done(&r);
	span = chat_with_tokens("chat");
	msg_text(span, 3, "ot=th:fffff");
	expect_error(&r, span, TOLL_UNPRICED_INVALID_QUANTITY, "invalid adjusted_count");
}

static void unknown_attributes_are_refused(void **state TOLL_UNUSED)
{
	struct component_rig g = { 0 };

	component_load(&g, &toll_processor_cost, "{attributes: [breakdwon]}");
	assert_null(g.settings);
	assert_non_null(strstr(g.findings, "\"breakdwon\" is none: catalog_version, breakdown"));
	component_release(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_priced_by_provider_and_model),
		cmocka_unit_test(a_model_call_without_counts_is_not_free),
		cmocka_unit_test(names_of_a_provider_are_one),
		cmocka_unit_test(an_agent_is_free),
		cmocka_unit_test(numbers_and_booleans_match_by_their_text),
		cmocka_unit_test(what_is_no_quantity_prices_nothing),
		cmocka_unit_test(too_many_tokens_are_poison),
		cmocka_unit_test(the_region_of_the_call_counts),
		cmocka_unit_test(units_are_charged_in_addition),
		cmocka_unit_test(a_unit_without_a_price_is_told),
		cmocka_unit_test(the_breakdown_is_written_where_asked_for),
		cmocka_unit_test(sampled_spans_stand_for_others),
		cmocka_unit_test(unknown_attributes_are_refused),
	};

	return cmocka_run_group_tests_name("price_of_spans", tests, NULL, NULL);
}
