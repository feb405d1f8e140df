/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/otlp_encode.h"
#include "tests/support/component.h"
#include "tests/support/otlp.h"
#include "tests/support/prices.h"
#include "tests/support/processor.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_cost;

static const struct toll_price *only_price(const struct toll_pricebook *book)
{
	return toll_pricebook_rule(book, 0);
}

static void run(struct toll_batch *b)
{
	struct toll_processor *p = processor_new(&toll_processor_cost, NULL);

	assert_int_equal(p->process(p, b), 0);
	processor_free(p);
}

static double number_of(const struct toll_span *s, const char *key)
{
	const struct toll_attr *a = toll_node_find_name(&s->node, toll_slice_str(key));

	assert_non_null(a);
	return toll_value_decode(toll_attr_value(a)).number;
}

static struct toll_slice text_of(const struct toll_span *s, const char *key)
{
	return toll_attr_text(toll_node_find_name(&s->node, toll_slice_str(key)));
}

static struct toll_batch *one_span(uint64_t duration_ns)
{
	struct msg *span = span_new("op", 1, duration_ns);
	struct toll_batch *b = batch_of_request(request_of("svc", &span, 1));

	b->spans[0].region = TOLL_SLICE("eu-west-1");
	return b;
}

static void a_priced_span_carries_its_cost(void **state TOLL_UNUSED)
{
	struct toll_pricebook *book = book_per_ms("0.0001");
	struct toll_batch *b = one_span(12345678);
	struct toll_span *s = &b->spans[0];

	s->price = only_price(book);
	run(b);
	assert_int_equal(s->cost_state, TOLL_COST_PRICED);
	assert_int_equal(s->cost_pico, 1234567800);
	assert_true(number_of(s, "cost.amount") == 0.0012345678);
	assert_true(number_of(s, "cost.duration_ms") == 12.35);
	assert_true(toll_slice_is(text_of(s, "cost.currency"), "USD"));
	assert_true(toll_slice_is(text_of(s, "cost.pricing_region"), "eu-west-1"));
	assert_null(toll_node_find(&s->node, TOLL_KEY_COST_ERROR));
	toll_batch_unref(b);
	free_book(book);
}

static void free_is_not_unpriced(void **state TOLL_UNUSED)
{
	struct toll_pricebook *book = book_per_ms(NULL);
	struct toll_batch *b = one_span(1000);

	b->spans[0].price = only_price(book);
	run(b);
	assert_int_equal(b->spans[0].cost_state, TOLL_COST_FREE);
	assert_true(number_of(&b->spans[0], "cost.amount") == 0);
	toll_batch_unref(b);
	free_book(book);
}

static void an_unpriced_span_says_why(void **state TOLL_UNUSED)
{
	struct toll_batch *b = one_span(1500000);
	struct toll_span *s = &b->spans[0];

	s->cost_error = TOLL_SLICE("no pricing data for svc:op");
	s->unpriced = TOLL_UNPRICED_NO_PRICING_DATA;
	run(b);
	assert_int_equal(s->cost_state, TOLL_COST_UNPRICED);
	assert_int_equal(s->unpriced, TOLL_UNPRICED_NO_PRICING_DATA);
	assert_true(toll_slice_is(text_of(s, "cost.error"), "no pricing data for svc:op"));
	assert_true(number_of(s, "cost.duration_ms") == 1.5);
	assert_null(toll_node_find(&s->node, TOLL_KEY_COST_AMOUNT));
	assert_null(toll_node_find(&s->node, TOLL_KEY_COST_CURRENCY));
	toll_batch_unref(b);
}

static void poison_flows_without_an_amount(void **state TOLL_UNUSED)
{
	static const struct {
		int64_t duration;
		const char *rate;
		enum toll_unpriced why;
		const char *sentence;
	} cases[] = {
		{ -5, "1", TOLL_UNPRICED_INVALID_DURATION, "invalid duration" },
		{ INT64_C(86400000000001), "1", TOLL_UNPRICED_INVALID_DURATION,
		  "invalid duration" },
		{ INT64_C(86400000000000), "1", TOLL_UNPRICED_OVERFLOW,
		  "invalid amount: over 9.2 million USD" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_pricebook *book = book_per_ms(cases[i].rate);
		struct toll_batch *b = one_span((uint64_t)cases[i].duration);

		b->spans[0].price = only_price(book);
		run(b);
		assert_int_equal(b->spans[0].cost_state, TOLL_COST_UNPRICED);
		assert_int_equal(b->spans[0].unpriced, cases[i].why);
		assert_true(toll_slice_is(text_of(&b->spans[0], "cost.error"), cases[i].sentence));
		assert_null(toll_node_find(&b->spans[0].node, TOLL_KEY_COST_AMOUNT));
		assert_int_equal(b->kept_count, 1);
		toll_batch_unref(b);
		free_book(book);
	}
}

static void what_the_client_claims_is_replaced(void **state TOLL_UNUSED)
{
	struct toll_pricebook *book = book_per_ms("1");
	struct msg *span = span_new("op", 1, 1000000);
	struct toll_batch *b;
	uint32_t amounts = 0;

	msg_attr_str(span, 9, "cost.amount", "1000000");
	msg_attr_str(span, 9, "cost.error", "none");
	msg_attr_str(span, 9, "cost.amount", "again");
	b = batch_of_request(request_of("svc", &span, 1));
	b->spans[0].price = only_price(book);
	run(b);
	for (uint32_t i = 0; i < b->spans[0].node.attr_count; i++)
		amounts += b->spans[0].node.attrs[i].key_id == TOLL_KEY_COST_AMOUNT &&
		           b->spans[0].node.attrs[i].state != TOLL_ATTR_DELETED;
	assert_int_equal(amounts, 1);
	assert_true(number_of(&b->spans[0], "cost.amount") == 1);
	assert_null(toll_node_find(&b->spans[0].node, TOLL_KEY_COST_ERROR));
	toll_batch_unref(b);
	free_book(book);
}

/* Whatever spans look like, there is memory for what the processors add to them. */
static void there_is_room_for_every_shape_of_span(void **state TOLL_UNUSED)
{
	static const struct {
		uint64_t spans;
		int attributes, bytes;
	} shapes[] = { { 512, 0, 0 },   { 512, 10, 8 }, { 512, 14, 20 },  { 512, 20, 4 },
		       { 1000, 30, 1 }, { 100, 1, 1 },  { 200, 100, 16 }, { 1, 2000, 2 } };
	struct toll_pricebook *book = book_per_ms("1");
	char key[16], value[64] = "";

	for (size_t i = 0; i < TOLL_COUNT(shapes); i++) {
		struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new("x");
		struct toll_batch *b;

		memset(value, 'v', (size_t)shapes[i].bytes);
		value[shapes[i].bytes] = '\0';
		for (uint64_t n = 0; n < shapes[i].spans; n++) {
			struct msg *span = span_new("op", n, 1000);

			for (int a = 0; a < shapes[i].attributes; a++) {
				snprintf(key, sizeof(key), "k%d", a);
				msg_attr_str(span, 9, key, value);
			}
			msg_add(ss, 2, span);
		}
		msg_add(rs, 2, ss);
		msg_add(req, 1, rs);
		b = batch_of_request(req);
		for (uint32_t n = 0; n < b->span_count; n++) {
			b->spans[n].price = only_price(book);
			assert_int_equal(toll_node_set_str(b, &b->spans[n].node, TOLL_SLICE("k0"),
			                                   TOLL_SLICE("/a/path/in/place/of/it/*")),
			                 0);
		}
		run(b);
		for (uint32_t n = 0; n < b->span_count; n++)
			assert_int_equal(b->spans[n].cost_state, TOLL_COST_PRICED);
		toll_batch_unref(b);
	}
	free_book(book);
}

/* A client's cost.error twenty thousand times over: each is one step, wherever it stands. */
static void many_claims_are_removed_in_one_pass(void **state TOLL_UNUSED)
{
	struct toll_pricebook *book = book_per_ms("1");
	struct msg *span = span_new("op", 1, 1000);
	struct toll_batch *b;

	for (int i = 0; i < 20000; i++)
		msg_attr_str(span, 9, "cost.error", "");
	b = batch_of_request(request_of("svc", &span, 1));
	b->spans[0].price = only_price(book);
	run(b);
	assert_int_equal(b->spans[0].cost_state, TOLL_COST_PRICED);
	assert_null(toll_node_find(&b->spans[0].node, TOLL_KEY_COST_ERROR));
	toll_batch_unref(b);
	free_book(book);
}

static void text_is_cut_between_characters(void **state TOLL_UNUSED)
{
	struct toll_pricebook *book = book_per_ms("1");
	struct toll_batch *b = one_span(1000);
	char region[130];

	memset(region, 'r', 127);
	memcpy(region + 127, "\xc3\xa9", 3);
	b->spans[0].region = toll_slice_str(region);
	b->spans[0].price = only_price(book);
	run(b);
	assert_int_equal(text_of(&b->spans[0], "cost.pricing_region").len, 127);
	toll_batch_unref(b);
	free_book(book);
}

static void regions_differ_from_span_to_span(void **state TOLL_UNUSED)
{
	struct toll_pricebook *book = book_per_ms("1");
	struct msg *spans[] = { span_new("a", 0, 1), span_new("b", 1, 1), span_new("c", 2, 1) };
	const char *regions[] = { "us-east-1", "eu-west-1", "" };
	struct toll_batch *b = batch_of_request(request_of("svc", spans, 3));

	for (int i = 0; i < 3; i++) {
		b->spans[i].price = only_price(book);
		b->spans[i].region = toll_slice_str(regions[i]);
	}
	run(b);
	for (int i = 0; i < 3; i++)
		assert_true(
			toll_slice_is(text_of(&b->spans[i], "cost.pricing_region"), regions[i]));
	toll_batch_unref(b);
	free_book(book);
}

static void run_trusting(struct toll_batch *b)
{
	struct component_rig g = { 0 };
	struct toll_processor *p;

	component_load(&g, &toll_processor_cost, "{trust_client: true}");
	assert_non_null(g.settings);
	assert_int_equal(component_create(&g, &toll_processor_cost), 0);
	p = toll_container_of(g.component, struct toll_processor, super);
	assert_int_equal(p->process(p, b), 0);
	component_release(&g);
}

static struct toll_batch *span_of_client(double amount, const char *currency)
{
	struct toll_batch *b = one_span(1500000);
	struct toll_node *n = &b->spans[0].node;

	assert_int_equal(toll_node_set_double(b, n, TOLL_SLICE("cost.amount"), amount), 0);
	assert_int_equal(
		toll_node_set_str(b, n, TOLL_SLICE("cost.currency"), toll_slice_str(currency)), 0);
	return b;
}

static void a_trusted_client_is_believed_within_reason(void **state TOLL_UNUSED)
{
	static const struct {
		double amount;
		const char *currency;
		enum toll_cost_state state;
		int64_t pico;
	} cases[] = {
		{ 0.1, "USD", TOLL_COST_PRICED, 100000000000 },
		{ 0.000012345678, "USD", TOLL_COST_PRICED, 12345678 },
		{ 1e6, "USD", TOLL_COST_PRICED, 1000000 * TOLL_PICO_PER_USD },
		{ 0, "USD", TOLL_COST_FREE, 0 },
		{ -0.1, "USD", TOLL_COST_UNPRICED, 0 },
		{ 1000001, "USD", TOLL_COST_UNPRICED, 0 },
		{ __builtin_nan(""), "USD", TOLL_COST_UNPRICED, 0 },
		{ __builtin_inf(), "USD", TOLL_COST_UNPRICED, 0 },
		{ 0.1, "EUR", TOLL_COST_UNPRICED, 0 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_batch *b = span_of_client(cases[i].amount, cases[i].currency);
		struct toll_span *s = &b->spans[0];
		bool priced = cases[i].state != TOLL_COST_UNPRICED;

		run_trusting(b);
		assert_int_equal(s->cost_state, cases[i].state);
		assert_true(toll_slice_is(text_of(s, "cost.source"), "client"));
		if (priced)
			assert_int_equal(s->cost_pico, cases[i].pico);
		else
			assert_int_equal(s->unpriced, TOLL_UNPRICED_INVALID_QUANTITY);
		assert_int_equal(toll_node_find(&s->node, TOLL_KEY_COST_AMOUNT) != NULL, priced);
		assert_int_equal(toll_node_find(&s->node, TOLL_KEY_COST_ERROR) != NULL, !priced);
		toll_batch_unref(b);
	}
}

static void a_trusted_client_that_says_nothing_is_priced(void **state TOLL_UNUSED)
{
	struct toll_pricebook *book = book_per_ms("0.0001");
	struct toll_batch *b = one_span(1000000);

	b->spans[0].price = only_price(book);
	run_trusting(b);
	assert_int_equal(b->spans[0].cost_pico, 100000000);
	assert_null(toll_node_find_name(&b->spans[0].node, TOLL_SLICE("cost.source")));
	toll_batch_unref(b);
	free_book(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trusted_client_is_believed_within_reason),
		cmocka_unit_test(a_trusted_client_that_says_nothing_is_priced),
		cmocka_unit_test(a_priced_span_carries_its_cost),
		cmocka_unit_test(free_is_not_unpriced),
		cmocka_unit_test(an_unpriced_span_says_why),
		cmocka_unit_test(poison_flows_without_an_amount),
		cmocka_unit_test(what_the_client_claims_is_replaced),
		cmocka_unit_test(regions_differ_from_span_to_span),
		cmocka_unit_test(there_is_room_for_every_shape_of_span),
		cmocka_unit_test(many_claims_are_removed_in_one_pass),
		cmocka_unit_test(text_is_cut_between_characters),
	};

	return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
