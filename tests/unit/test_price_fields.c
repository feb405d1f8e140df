/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule compares: the values of a span over those of its resource, as text. */
#include "processors/pricing/fields.h"

#include "tests/support/otlp.h"
#include "tests/support/prices.h"
#include "tests/unit/unit.h"

static struct toll_pricebook *book_on(const char *const *fields, size_t count)
{
	struct sketch k;

	sketch_init(&k, "rule");
	k.rule.free = true;
	for (size_t i = 0; i < count; i++)
		sketch_when(&k, fields[i], TOLL_MATCH_EXACT, "x");
	return book_of_sketch(&k);
}

/* NULL: the span does not have it. */
static void expect(const struct toll_field_reader *f, const char *field, const char *text)
{
	uint32_t i = toll_pricebook_field_index(f->book, toll_slice_str(field));

	assert_in_range(i, 0, TOLL_PRICEBOOK_FIELDS - 1);
	assert_int_equal(f->lookup.has >> i & 1, text != NULL);
	if (text && !toll_slice_is(f->lookup.values[i], text))
		fail_msg("%s: %.*s, not %s", field, TOLL_FMT(f->lookup.values[i]), text);
}

static struct msg *span_with(uint64_t n, const char *tier)
{
	struct msg *span = span_new("name", n, 1000);

	if (tier)
		msg_attr_str(span, 9, "tier", tier);
	return span;
}

/* A span covers what its resource says, for itself alone. */
static void spans_cover_their_resource(void **state TOLL_UNUSED)
{
	static const char *const names[] = { "tier", "cloud.region", "none" };
	static const char *const want[] = { "silver", "gold", "bronze", "gold" };
	struct toll_pricebook *book = book_on(names, TOLL_COUNT(names));
	struct toll_field_reader f;
	struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new("x"), *res;
	struct toll_batch *b;

	res = resource_new("svc");
	msg_attr_str(res, 1, "tier", "gold");
	msg_attr_str(res, 1, "cloud.region", "eu-west-1");
	msg_add(rs, 1, res);
	for (uint64_t i = 0; i < TOLL_COUNT(want); i++)
		msg_add(ss, 2, span_with(i, i % 2 ? NULL : want[i]));
	msg_add(rs, 2, ss);
	msg_add(req, 1, rs);
	b = batch_of_request(req);
	toll_fields_init(&f, book);
	toll_fields_resource(&f, &b->resources[0]);
	for (uint32_t i = 0; i < b->span_count; i++) {
		toll_fields_span(&f, &b->spans[i]);
		expect(&f, "tier", want[i]);
		expect(&f, "cloud.region", "eu-west-1");
		expect(&f, "none", NULL);
	}
	toll_batch_unref(b);
	free_book(book);
}

static void msg_attr_double(struct msg *m, const char *key, double value)
{
	struct msg *any = msg_new(), *kv = msg_new();
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	msg_fixed64(any, 4, bits);
	msg_text(kv, 1, key);
	msg_add(kv, 2, any);
	msg_add(m, 9, kv);
}

static void values_match_by_their_text(void **state TOLL_UNUSED)
{
	static const char *const names[] = { "int", "double", "whole", "text", "kind", "name" };
	struct toll_pricebook *book = book_on(names, TOLL_COUNT(names));
	struct msg *span = span_new("GET /x", 1, 1000);
	struct toll_field_reader f;
	struct toll_batch *b;

	msg_attr_int(span, 9, "int", -7);
	msg_attr_double(span, "double", 0.1);
	msg_attr_double(span, "whole", 3);
	msg_attr_str(span, 9, "text", "a");
	msg_attr_str(span, 9, "text", "second");
	b = batch_of_request(request_of("svc", &span, 1));
	b->spans[0].kind = 3;
	toll_fields_init(&f, book);
	toll_fields_resource(&f, &b->resources[0]);
	toll_fields_span(&f, &b->spans[0]);
	expect(&f, "int", "-7");
	expect(&f, "double", "0.1");
	expect(&f, "whole", "3");
	expect(&f, "text", "a");
	expect(&f, "kind", "client");
	expect(&f, "name", "GET /x");
	toll_batch_unref(b);
	free_book(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_cover_their_resource),
		cmocka_unit_test(values_match_by_their_text),
	};

	return cmocka_run_group_tests_name("price_fields", tests, NULL, NULL);
}
