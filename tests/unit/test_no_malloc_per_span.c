/* SPDX-License-Identifier: Apache-2.0 */
/* A request of 512 spans may take a few more allocations than one of 8, but none per span. */
#include <stdlib.h>

#include "base/clock.h"
#include "exporters/enforcer/totals/fold.h"
#include "proto/cost_record.h"
#include "proto/edit.h"
#include "proto/otlp_encode.h"
#include "tests/support/component.h"
#include "tests/support/prices.h"
#include "tests/support/shop.h"
#include "tests/unit/unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTING 0 /* the sanitizer owns malloc, and the arena does one malloc for each piece */
#else
#define COUNTING 1

static unsigned long calls;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

void *malloc(size_t size)
{
	calls++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	calls++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	calls++;
	return __libc_realloc(p, size);
}
#endif

static void edit(struct toll_batch *b, struct toll_node *n)
{
	char bytes[64];
	char *end = toll_write_kv_double(bytes, n->attr_tag, TOLL_SLICE("cost.amount"), 1e-6, NULL);

	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("url.path"),
	                                   TOLL_SLICE("/api/v2/users/*/orders/*")),
	                 0);
	assert_int_equal(toll_node_append(b, n, toll_slice(bytes, (size_t)(end - bytes)), NULL), 0);
}

/* Receive, edit, splice, write records: how many allocations. */
static unsigned long allocations(uint64_t spans)
{
	static char out[1 << 20];
	struct msg *req = shop_request(spans);
	struct toll_batch *b;
	unsigned long before = 0;
	int err;

#if COUNTING
	before = calls;
#endif
	b = batch_of(toll_slice(req->bytes, req->len), &err, NULL);
	assert_int_equal(err, 0);
	for (uint32_t i = 0; i < b->span_count; i++)
		edit(b, &b->spans[i].node);
	toll_otlp_encode(&(struct toll_selection){ b, 0, b->span_count }, out);
	for (uint32_t i = 0; i < b->span_count; i++)
		toll_cost_record(b, &b->spans[i], out);
	toll_batch_unref(b);
	free(req);
#if COUNTING
	return calls - before;
#else
	return before;
#endif
}

static void the_hot_path_allocates_per_request_only(void **state TOLL_UNUSED)
{
	unsigned long few, many;

	if (!COUNTING)
		skip();
	allocations(8); /* the key table and other things made once */
	few = allocations(8);
	many = allocations(512);
	assert_true(few >= 1);
	assert_in_range(many, 1, few + 2);
}

/* Budgets by tenant, by tenant and service, and by an attribute of one's own. */
static void prepare(struct toll_rules *rules)
{
	static const struct toll_slice attribute = { "client.address", 14 };
	static const struct toll_dimension_config client = { { "client", 6 }, { &attribute, 1 } };
	static const struct toll_pair match[] = { { { "tenant", 6 }, { "*", 1 } },
		                                  { { "service", 7 }, { "*", 1 } },
		                                  { { "client", 6 }, { "*", 1 } } };
	static const struct toll_budget_config budgets[] = {
		{ .match = { match, 1 }, .limit = 1 },
		{ .match = { match, 2 }, .limit = 1, .period = TOLL_PERIOD_MONTH },
		{ .match = { match, 3 }, .limit = 1 },
	};
	const struct toll_budget_settings set = { .evaluation_window = 60 * TOLL_S,
		                                  .flush_interval = TOLL_S,
		                                  .ttl = 3600 * TOLL_S,
		                                  .ema = { 0.1, 0.9, 3 },
		                                  .dimensions = { &client, 1 },
		                                  .budgets = { budgets, 3 } };
	struct toll_error error;

	assert_int_equal(toll_rules_init(rules, &set, &error), 0);
}

static void folding_allocates_for_new_names_only(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_of_request(shop_request(512));
	struct toll_part part = { b, 0, b->span_count };
	struct toll_totals totals;
	struct toll_rules rules;
	unsigned long before = 0;

	for (uint32_t i = 0; i < b->span_count; i++) {
		b->spans[i].cost_state = TOLL_COST_PRICED;
		b->spans[i].cost_pico = b->spans[i].adjusted_count = 1;
	}
	toll_batch_seal(b);
	prepare(&rules);
	assert_int_equal(toll_totals_init(&totals, &rules, 100), 0);
	toll_fold_part(&totals, &part, UINT64_C(1795000000000));
	assert_int_equal(totals.names[1].count, 2); /* acme, and what is beyond the cap */
	assert_int_equal(totals.names[2].count, 21);
#if COUNTING
	before = calls;
#endif
	toll_fold_part(&totals, &part, UINT64_C(1795000000000));
#if COUNTING
	assert_int_equal(calls, before);
#else
	assert_int_equal(before, 0);
#endif
	toll_totals_release(&totals);
	toll_rules_release(&rules);
	toll_batch_unref(b);
}

extern const struct toll_factory toll_processor_attributes, toll_processor_filter,
	toll_processor_probabilistic_sampler, toll_processor_resource;

/* What processors that users bring from a Collector take for one request. */
static unsigned long processor_allocations(struct component_rig *rig, uint64_t spans)
{
	struct toll_processor *p = toll_container_of(rig->component, struct toll_processor, super);
	struct msg *req = shop_request(spans);
	unsigned long before = 0;
	struct toll_batch *b;
	int err;

#if COUNTING
	before = calls;
#endif
	b = batch_of(toll_slice(req->bytes, req->len), &err, NULL);
	assert_int_equal(err, 0);
	assert_int_equal(p->process(p, b), 0);
	toll_batch_unref(b);
	free(req);
#if COUNTING
	return calls - before;
#else
	return before;
#endif
}

static void processors_allocate_per_request_only(void **state TOLL_UNUSED)
{
	static const struct {
		const struct toll_factory *factory;
		const char *yaml;
	} cases[] = {
		{ &toll_processor_attributes,
		  "{actions: [{key: new, value: x, action: insert}, {pattern: ^user, action: hash},"
		  " {key: url.path, action: extract, pattern: '(?P<first>[a-z]+)'}]}" },
		{ &toll_processor_resource, "{attributes: [{key: a, value: 1, action: upsert}]}" },
		{ &toll_processor_filter,
		  "{traces: {span: ['IsMatch(name, \"x$\") or trace_id.string == \"\"']}}" },
		{ &toll_processor_probabilistic_sampler, "{sampling_percentage: 100}" },
	};

	if (!COUNTING)
		skip();
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig rig = { 0 };
		unsigned long few, many;

		component_load(&rig, cases[i].factory, cases[i].yaml);
		assert_non_null(rig.settings);
		assert_int_equal(component_create(&rig, cases[i].factory), 0);
		processor_allocations(&rig, 8);
		few = processor_allocations(&rig, 8);
		many = processor_allocations(&rig, 512);
		if (many > few + 4)
			fail_msg("%s: %lu for 8 spans, %lu for 512", cases[i].factory->type, few,
			         many);
		component_release(&rig);
	}
}

extern const struct toll_factory toll_processor_pricing, toll_processor_cost;

/* Calls of a model, with a unit of their own and a number for a condition; the model's name has to
 * be lowered, and the last one is not priced. */
static struct msg *chats(uint64_t count)
{
	struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new("x");

	for (uint64_t n = 0; n < count; n++) {
		struct msg *span = span_new("chat", n, 1000000);

		msg_attr_str(span, 9, "gen_ai.provider.name", "openai");
		msg_attr_str(span, 9, "gen_ai.request.model", n % 8 ? "GPT-4o" : "other");
		msg_attr_int(span, 9, "gen_ai.usage.input_tokens", 10);
		msg_attr_int(span, 9, "gen_ai.usage.output_tokens", 10);
		msg_attr_int(span, 9, "attempt", 1);
		msg_attr_str(span, 9, "cost.units.pages", "2.5");
		msg_add(ss, 2, span);
	}
	msg_add(rs, 2, ss);
	msg_add(req, 1, rs);
	return req;
}

static struct toll_shared *book_of_chats(void)
{
	struct toll_pricebook_builder *b = toll_pricebook_builder_new();
	struct sketch k;

	sketch_init(&k, "pages");
	sketch_meter(&k, TOLL_QUANTITY_CALLS, "1", 1000);
	k.rule.meters = k.meters;
	assert_int_equal(toll_pricebook_builder_add_unit(b, &k.rule, NULL), 0);
	sketch_init(&k, "gpt-4o");
	sketch_when(&k, "model", TOLL_MATCH_EXACT, "gpt-4o");
	sketch_when(&k, "attempt", TOLL_MATCH_EXACT, "1");
	sketch_meter(&k, TOLL_QUANTITY_INPUT_TOKENS, "2.5", 1000000);
	sketch_meter(&k, TOLL_QUANTITY_OUTPUT_TOKENS, "10", 1000000);
	assert_int_equal(sketch_add(&k, b, NULL), 0);
	return toll_pricebook_shared(finish_book(b, "v"));
}

static unsigned long pricing_allocations(struct component_rig *pricing, struct component_rig *cost,
                                         uint64_t spans)
{
	struct toll_processor *stages[] = {
		toll_container_of(pricing->component, struct toll_processor, super),
		toll_container_of(cost->component, struct toll_processor, super)
	};
	struct msg *req = chats(spans);
	unsigned long before = 0;
	struct toll_batch *b;
	int err;

#if COUNTING
	before = calls;
#endif
	b = batch_of(toll_slice(req->bytes, req->len), &err, NULL);
	assert_int_equal(err, 0);
	for (size_t i = 0; i < TOLL_COUNT(stages); i++)
		assert_int_equal(stages[i]->process(stages[i], b), 0);
	assert_int_equal(b->spans[1].cost_state, TOLL_COST_PRICED);
	toll_batch_unref(b);
	free(req);
#if COUNTING
	return calls - before;
#else
	return before;
#endif
}

static void pricing_and_cost_allocate_per_request_only(void **state TOLL_UNUSED)
{
	struct toll_pricebook_source source = { .current = TOLL_SNAPSHOT_INIT };
	struct component_rig pricing = { 0 }, cost = { 0 };
	unsigned long few, many;

	if (!COUNTING)
		skip();
	toll_snapshot_set(&source.current, book_of_chats());
	component_load(&pricing, &toll_processor_pricing, "{}");
	component_load(&cost, &toll_processor_cost, "{attributes: [catalog_version, breakdown]}");
	assert_int_equal(component_create(&pricing, &toll_processor_pricing), 0);
	assert_int_equal(component_create(&cost, &toll_processor_cost), 0);
	assert_int_equal(toll_host_publish(pricing.host, "pricebook", "pricebook", &source), 0);
	assert_int_equal(pricing.component->ops->start(pricing.component, NULL), 0);
	pricing_allocations(&pricing, &cost, 8);
	few = pricing_allocations(&pricing, &cost, 8);
	many = pricing_allocations(&pricing, &cost, 512);
	if (many > few + 6)
		fail_msg("%lu for 8 spans, %lu for 512", few, many);
	component_release(&pricing);
	component_release(&cost);
	toll_snapshot_set(&source.current, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hot_path_allocates_per_request_only),
		cmocka_unit_test(folding_allocates_for_new_names_only),
		cmocka_unit_test(processors_allocate_per_request_only),
		cmocka_unit_test(pricing_and_cost_allocate_per_request_only),
	};

	return cmocka_run_group_tests_name("no_malloc_per_span", tests, NULL, NULL);
}
