/* SPDX-License-Identifier: Apache-2.0 */
/* pricing against a fake price book: what it finds, and what it says when it finds nothing. */
#include <stdlib.h>

#include "base/clock.h"
#include "tests/support/component.h"
#include "tests/support/otlp.h"
#include "tests/support/prices.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_pricing;

#define NOW (UINT64_C(1795000000) * TOLL_S)

struct rig {
	struct component_rig c;
	struct toll_pricebook_source source;
	struct toll_processor *processor;
};

static uint64_t wall_ns(void)
{
	return NOW;
}

static int set_clock(void **state TOLL_UNUSED)
{
	toll_clock_replace(NULL, wall_ns);
	return 0;
}

static int reset_clock(void **state TOLL_UNUSED)
{
	toll_clock_replace(NULL, NULL);
	return 0;
}

/* Prices of payment:* and payment:/charge, loaded at sync_ns. */
static struct toll_shared *book_of(const char *version, uint64_t sync_ns)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *b;

	assert_int_equal(add_seed_row(builder, "payment", NULL, "5"), 0);
	assert_int_equal(add_seed_row(builder, "payment", "/charge/*", "7"), 0);
	b = finish_book(builder, version);
	toll_pricebook_set_sync(b, sync_ns);
	return toll_pricebook_shared(b);
}

static void start(struct rig *r, const char *yaml, uint64_t ttl_ns)
{
	*r = (struct rig){ .source = { .current = TOLL_SNAPSHOT_INIT, .ttl_ns = ttl_ns } };
	component_load(&r->c, &toll_processor_pricing, yaml);
	assert_non_null(r->c.settings);
	assert_int_equal(component_create(&r->c, &toll_processor_pricing), 0);
	assert_int_equal(toll_host_publish(r->c.host, "pricebook", "pricebook", &r->source), 0);
	assert_int_equal(r->c.component->ops->start(r->c.component, &r->c.error), 0);
	r->processor = toll_container_of(r->c.component, struct toll_processor, super);
}

static void stop(struct rig *r)
{
	component_release(&r->c);
	toll_snapshot_set(&r->source.current, NULL);
}

/* One span of a service with one attribute. */
static struct toll_batch *batch_with(const char *service, const char *key, const char *value)
{
	struct msg *span = span_new("name", 1, 1000);

	msg_attr_str(span, 9, key, value);
	return batch_of_request(request_of(service, &span, 1));
}

static const struct toll_span *run(struct rig *r, struct toll_batch *b)
{
	assert_int_equal(r->processor->process(r->processor, b), 0);
	return &b->spans[0];
}

/* Dollars a millisecond. */
static int rate_of(const struct toll_span *s)
{
	const struct toll_price *p = s->price;
	const struct toll_rate *r = &p->rule->meters[0].rate;

	return (int)(r->price * 1000000 / r->per / TOLL_PICO_PER_USD / TOLL_PICO_PER_USD);
}

static void finds_exact_prices_and_defaults(void **state TOLL_UNUSED)
{
	struct toll_batch *a = batch_with("payment", "url.path", "/charge/17"),
			  *b = batch_with("payment", "url.path", "/other");
	struct rig r;

	start(&r, "{region: eu-west-1}", 0);
	toll_snapshot_set(&r.source.current, book_of("v1", 0));
	assert_int_equal(rate_of(run(&r, a)), 7);
	assert_true(toll_slice_is(a->spans[0].operation, "/charge/*"));
	assert_true(toll_slice_is(a->spans[0].region, "eu-west-1"));
	assert_string_equal(a->price_version, "v1");
	assert_int_equal(rate_of(run(&r, b)), 5);
	toll_batch_unref(a);
	toll_batch_unref(b);
	stop(&r);
}

static void a_batch_keeps_its_book(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with("payment", "url.path", "/charge/17");
	struct rig r;

	start(&r, "{}", 0);
	toll_snapshot_set(&r.source.current, book_of("v1", 0));
	run(&r, b);
	toll_snapshot_set(&r.source.current, book_of("v2", 0));
	assert_int_equal(rate_of(&b->spans[0]), 7); /* freed memory in the asan build, if not */
	assert_string_equal(b->price_version, "v1");
	toll_batch_unref(b);
	stop(&r);
}

static void expect_unpriced(const struct toll_span *s, enum toll_unpriced why, const char *sentence)
{
	assert_null(s->price);
	assert_int_equal(s->cost_state, TOLL_COST_UNPRICED);
	assert_int_equal(s->unpriced, why);
	if (!toll_slice_is(s->cost_error, sentence))
		fail_msg("%.*s", TOLL_FMT(s->cost_error));
}

static void unknown_spans_say_so(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with("bank", "url.path", "/accounts/12345678");
	struct rig r;

	start(&r, "{}", 0);
	toll_snapshot_set(&r.source.current, book_of("v1", 0));
	expect_unpriced(run(&r, b), TOLL_UNPRICED_NO_PRICING_DATA,
	                "no pricing data for bank:/accounts/*");
	toll_batch_unref(b);
	stop(&r);
}

static void stale_books_price_nothing(void **state TOLL_UNUSED)
{
	struct toll_batch *a = batch_with("payment", "k", "v"),
			  *b = batch_with("payment", "k", "v"),
			  *c = batch_with("payment", "k", "v");
	struct rig r;

	start(&r, "{}", 900 * TOLL_S);
	toll_snapshot_set(&r.source.current, book_of("v1", NOW - 900 * TOLL_S));
	assert_int_equal(rate_of(run(&r, a)), 5);
	toll_snapshot_set(&r.source.current, book_of("v1", NOW - 901 * TOLL_S));
	expect_unpriced(run(&r, b), TOLL_UNPRICED_STALE,
	                "pricing cache stale (last sync: 2026-11-18T10:51:39Z)");
	assert_null(b->price_version);
	/* A clock that was set back makes nothing stale. */
	toll_snapshot_set(&r.source.current, book_of("v1", NOW + 5000 * TOLL_S));
	assert_int_equal(rate_of(run(&r, c)), 5);
	toll_batch_unref(a);
	toll_batch_unref(b);
	toll_batch_unref(c);
	stop(&r);
}

static void files_never_go_stale(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with("payment", "k", "v");
	struct rig r;

	start(&r, "{}", 0);
	toll_snapshot_set(&r.source.current, book_of("v1", 1));
	assert_int_equal(rate_of(run(&r, b)), 5);
	toll_batch_unref(b);
	stop(&r);
}

static void without_a_book_spans_flow_on(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with("payment", "k", "v");
	struct rig r;

	start(&r, "{}", 900 * TOLL_S);
	expect_unpriced(run(&r, b), TOLL_UNPRICED_NO_BOOK,
	                "pricing cache stale (last sync: never)");
	assert_true(toll_slice_is(b->spans[0].region, "unknown"));
	toll_batch_unref(b);
	stop(&r);
}

static void without_memory_spans_flow_on(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with("bank", "url.path", "/accounts/12345678");
	struct rig r;

	start(&r, "{}", 0);
	toll_snapshot_set(&r.source.current, book_of("v1", 0));
	b->arena.limit = b->arena.held;
	b->arena.next = b->arena.end;
	assert_int_equal(run(&r, b)->unpriced, TOLL_UNPRICED_NO_MEMORY);
	assert_true(b->spans[0].cost_error.len > 0);
	toll_batch_unref(b);
	stop(&r);
}

static void dropped_spans_are_left_alone(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with("payment", "k", "v");
	struct rig r;

	start(&r, "{}", 0);
	toll_snapshot_set(&r.source.current, book_of("v1", 0));
	toll_span_drop(b, &b->spans[0], TOLL_DROP_FILTERED);
	assert_null(run(&r, b)->price);
	toll_batch_unref(b);
	stop(&r);
}

static void a_missing_book_stops_the_start(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *sentence;
	} cases[] = {
		{ "{}", "has no prices: set file or endpoint" },
		{ "{book: pricebook/eu}", "no price book \"pricebook/eu\"" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig g = { 0 };

		component_load(&g, &toll_processor_pricing, cases[i].yaml);
		assert_int_equal(component_create(&g, &toll_processor_pricing), 0);
		assert_int_equal(g.component->ops->start(g.component, &g.error), TOLL_ECONFIG);
		assert_non_null(strstr(g.error.text, cases[i].sentence));
		component_release(&g);
	}
}

static void wrong_settings_are_told(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *sentence;
	} cases[] = {
		{ "{file: a.json, endpoint: 'http://h'}", "choose one: file or endpoint" },
		{ "{file: a.json, book: b}", "choose one: book, or file, endpoint and catalogue" },
		{ "{endpoint: 'h:80'}", "must begin with http://, https://, grpc:// or grpcs://" },
		{ "{endpoint: 'http://h', ttl: 5m}", "refresh_interval: must be shorter than ttl" },
		{ "{file: [a.json, '']}", "names an empty file" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig g = { 0 };

		component_load(&g, &toll_processor_pricing, cases[i].yaml);
		assert_null(g.settings);
		if (!strstr(g.findings, cases[i].sentence))
			fail_msg("%s: %s", cases[i].yaml, g.findings);
		component_release(&g);
	}
}

static void inline_prices_imply_a_pricebook(void **state TOLL_UNUSED)
{
	struct component_rig g = { 0 };

	component_load(&g, &toll_processor_pricing, "{file: a.json}");
	assert_non_null(toll_processor_pricing.implied(g.settings));
	component_release(&g);
	component_load(&g, &toll_processor_pricing, "{book: pricebook}");
	assert_null(toll_processor_pricing.implied(g.settings));
	component_release(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_exact_prices_and_defaults),
		cmocka_unit_test(a_batch_keeps_its_book),
		cmocka_unit_test(unknown_spans_say_so),
		cmocka_unit_test(stale_books_price_nothing),
		cmocka_unit_test(files_never_go_stale),
		cmocka_unit_test(without_a_book_spans_flow_on),
		cmocka_unit_test(without_memory_spans_flow_on),
		cmocka_unit_test(dropped_spans_are_left_alone),
		cmocka_unit_test(a_missing_book_stops_the_start),
		cmocka_unit_test(wrong_settings_are_told),
		cmocka_unit_test(inline_prices_imply_a_pricebook),
	};

	return cmocka_run_group_tests_name("pricing", tests, set_clock, reset_clock);
}
