/* SPDX-License-Identifier: Apache-2.0 */
/* Records of priced spans come back as the spans they were made of: times, dimensions, amounts. */
#include "receivers/kafka/gather.h"

#include "proto/attr.h"
#include "proto/cost_record.h"
#include "proto/otlp_encode.h"
#include "proto/sampling.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

#define NOW_MS UINT64_C(1795000000123)

static struct toll_error why;

static int add(struct toll_gather *g, int64_t offset, const char *bytes, size_t len,
               uint64_t timestamp_ms)
{
	char copy[4096];
	struct toll_kafka_message m = { .value = copy,
		                        .len = len,
		                        .partition = 3,
		                        .offset = offset,
		                        .timestamp_ms = timestamp_ms };

	assert_true(len < sizeof(copy));
	memcpy(copy, bytes, len);
	return toll_gather_add(g, &m, &why);
}

static int add_text(struct toll_gather *g, const char *text)
{
	return add(g, 7, text, strlen(text), NOW_MS);
}

static struct toll_batch *gathered(struct toll_gather *g)
{
	struct toll_batch *b = NULL;

	assert_int_equal(toll_gather_close(g), 0);
	if (toll_gather_batch(g, NULL, &b, &why) < 0)
		fail_msg("%s", why.text);
	return b;
}

/* ---- there and back ---- */

static struct toll_batch *priced_spans(uint64_t n)
{
	static const char *const services[] = { "checkout", "p\xc3\xa4y \"x\"\n" };
	struct msg *req = msg_new();
	struct toll_batch *b;

	for (int r = 0; r < 2; r++) {
		struct msg *rs = msg_new(), *ss = scope_spans_new("test"),
			   *res = resource_new(services[r]);

		msg_attr_str(res, 1, "service.version", "v1");
		msg_attr_str(res, 1, "deployment.environment.name", "live");
		msg_add(rs, 1, res);
		for (uint64_t i = 0; i < n; i++) {
			struct msg *span = span_new("GET /cart", i + 1000 * (uint64_t)r, 5000);

			msg_attr_str(span, 9, "tenant.id", i % 2 ? "acme" : "zoo");
			msg_attr_str(span, 9, "gen_ai.request.model", "m");
			msg_add(ss, 2, span);
		}
		msg_add(rs, 2, ss);
		msg_add(req, 1, rs);
	}
	b = batch_of_request(req);
	b->received_wall_ms = NOW_MS;
	b->price_version = "2026-11";
	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_span *s = &b->spans[i];

		s->operation = TOLL_SLICE("/cart");
		s->region = TOLL_SLICE("eu");
		s->cost_pico = i == 3 ? 0 : 400001 + (int64_t)i * 999999999937;
		s->cost_state = i == 3 ? TOLL_COST_FREE : TOLL_COST_PRICED;
		s->adjusted_count = 1;
		if (i == 1) { /* 30 % of a sampler with 14 digits */
			s->threshold = UINT64_C(0xb3333333333333);
			s->adjusted_count = 3;
		}
		if (i == 2)
			s->adjusted_count = 3;
		if (i == 0) {
			s->cost_state = TOLL_COST_UNPRICED;
			s->cost_pico = 0;
			s->cost_error = TOLL_SLICE("no pricing data for a:b");
		}
	}
	toll_batch_seal(b);
	return b;
}

static void assert_same_span(const struct toll_batch *a, const struct toll_batch *b, uint32_t i)
{
	const struct toll_span *x = &a->spans[i], *y = &b->spans[i];

	assert_memory_equal(x->trace_id, y->trace_id, 16);
	assert_memory_equal(x->span_id, y->span_id, 8);
	assert_int_equal(x->cost_state, y->cost_state);
	assert_true(x->cost_pico == y->cost_pico);
	assert_true(toll_span_total_pico(x) == toll_span_total_pico(y));
	assert_true(x->threshold == y->threshold);
	assert_true(toll_slice_eq(x->operation, y->operation));
	assert_true(toll_slice_eq(x->region, y->region));
	assert_true(toll_slice_eq(x->cost_error, y->cost_error));
	assert_true(toll_slice_eq(a->resources[x->resource].service,
	                          b->resources[y->resource].service));
	assert_true(toll_resource_received_ms(b, y->resource) == a->received_wall_ms);
	for (int d = 0; d < TOLL_DIMENSION_COUNT; d++)
		assert_true(toll_slice_eq(toll_span_dimension(a, x, (enum toll_dimension)d),
		                          toll_span_dimension(b, y, (enum toll_dimension)d)));
}

static void a_record_becomes_the_span_it_was(void **state TOLL_UNUSED)
{
	struct toll_batch *a = priced_spans(4), *b;
	struct toll_gather g;
	char record[2048];

	toll_gather_init(&g, TOLL_KAFKA_JSON, true);
	for (int round = 0; round < 2; round++) { /* and again in the same memory */
		toll_gather_reset(&g);
		for (uint32_t i = 0; i < a->span_count; i++) {
			char *end = toll_cost_record(a, &a->spans[i], record);

			assert_int_equal(add(&g, i, record, (size_t)(end - record), 1), 0);
		}
		b = gathered(&g);
		toll_batch_seal(b);
		assert_int_equal(b->span_count, a->span_count);
		assert_int_equal(b->resource_count, 2);
		assert_string_equal(b->price_version, "2026-11");
		for (uint32_t i = 0; i < a->span_count; i++)
			assert_same_span(a, b, i);
		toll_batch_unref(b);
	}
	toll_gather_release(&g);
	toll_batch_unref(a);
}

/* ---- flat records of others ---- */

static void five_fields_are_enough(void **state TOLL_UNUSED)
{
	struct toll_gather g;
	struct toll_batch *b;

	toll_gather_init(&g, TOLL_KAFKA_JSON, true);
	assert_int_equal(add_text(&g,
	                          " {\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"service\":"
	                          "\"a\\u00e9\\ud83d\\ude00\\ud83d\",\"operation\":\"o\","
	                          "\"cost_amount\":1.5e-3,\"timestamp\":1795000000000}\n"),
	                 0);
	assert_int_equal(add_text(&g, "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":"
	                              "1795000000000,\"adjusted_count\":3.333333333,\"x\":[{}]}"),
	                 0);
	b = gathered(&g);
	assert_int_equal(b->kept_count, 2);
	assert_true(b->spans[0].cost_pico == INT64_C(1500000000));
	assert_true(
		toll_slice_is(b->resources[0].service, "a\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd"));
	assert_true(b->resources[0].received_ms == NOW_MS); /* the message's */
	assert_true(toll_slice_is(b->spans[1].trace_state, "ot=th:b3333333"));
	toll_batch_unref(b);
	toll_gather_release(&g);
}

static void what_is_no_record_is_refused_alone(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "empty" },
		{ "[]", "no JSON object" },
		{ "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":1795000000000",
		  "no JSON object" },
		{ "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":1795000000000}}",
		  "no JSON object" },
		{ "{\"service\":\"\xff\",\"cost_amount\":1,\"timestamp\":1795000000000}", "UTF-8" },
		{ "{\"service\":\"a\",\"timestamp\":1795000000000}", "it needs" },
		{ "{\"service\":\"a\",\"cost_amount\":-1,\"timestamp\":1795000000000}", "dollars" },
		{ "{\"service\":\"a\",\"cost_amount\":\"1\",\"timestamp\":1795000000000}",
		  "dollars" },
		{ "{\"service\":1,\"cost_amount\":1,\"timestamp\":1795000000000}", "string" },
		{ "{\"service\":\"a\\x\",\"cost_amount\":1,\"timestamp\":1795000000000}",
		  "string" },
		{ "{\"trace_id\":\"zz\",\"service\":\"a\",\"cost_amount\":1,"
		  "\"timestamp\":1795000000000}",
		  "hex" },
		{ "{\"service\":\"a\",\"cost_amount\":1,\"timestamp\":1795000000000,"
		  "\"sampling_threshold\":\"x\"}",
		  "threshold" },
	};
	struct toll_gather g;
	struct toll_batch *b;

	toll_gather_init(&g, TOLL_KAFKA_JSON, true);
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_int_equal(add_text(&g, cases[i].text), TOLL_EINVALID);
		if (!strstr(why.text, cases[i].why))
			fail_msg("%s: %s", cases[i].text, why.text);
		assert_int_equal(add_text(&g, "{\"service\":\"a\",\"cost_amount\":1,"
		                              "\"timestamp\":1795000000000}"),
		                 0);
	}
	b = gathered(&g);
	assert_int_equal(b->kept_count, TOLL_COUNT(cases));
	toll_batch_unref(b);
	toll_gather_release(&g);
}

/* ---- OTLP ---- */

static size_t request(const char *service, const char *error, double amount, char *out)
{
	struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new("t");
	struct msg *span = span_new("GET /cart", 1, 5000);
	struct toll_batch *b;
	struct toll_selection sel;
	char *end;

	if (error)
		msg_attr_str(span, 9, "cost.error", error);
	else if (amount >= 0)
		span->len = (size_t)(toll_write_kv_double(span->bytes + span->len,
		                                          TOLL_TAG(9, TOLL_WIRE_BYTES),
		                                          TOLL_SLICE("cost.amount"), amount, NULL) -
		                     span->bytes);
	msg_add(rs, 1, resource_new(service));
	msg_add(ss, 2, span);
	msg_add(rs, 2, ss);
	msg_add(req, 1, rs);
	b = batch_of_request(req);
	toll_batch_seal(b);
	sel = (struct toll_selection){ b, 0, TOLL_WHOLE_BATCH };
	end = toll_otlp_encode(&sel, out);
	toll_batch_unref(b);
	return (size_t)(end - out);
}

static void requests_are_one_with_a_time_each(void **state TOLL_UNUSED)
{
	struct toll_gather g, one;
	struct toll_batch *b;
	char wire[2048];
	int64_t offset;

	toll_gather_init(&g, TOLL_KAFKA_OTLP_PROTO, true);
	toll_gather_init(&one, TOLL_KAFKA_OTLP_PROTO, true);
	assert_int_equal(add(&g, 1, wire, request("a", NULL, 0.0000004, wire), NOW_MS), 0);
	assert_int_equal(add(&g, 2, wire, request("b", "no price", 0, wire), NOW_MS + 1), 0);
	assert_int_equal(add(&g, 3, wire, request("c", NULL, 0, wire), NOW_MS + 2), 0);
	assert_int_equal(add(&g, 4, wire, request("d", NULL, -1, wire), NOW_MS + 3), 0);
	b = gathered(&g);
	assert_int_equal(b->span_count, 4);
	assert_true(b->spans[0].cost_pico == 400000 && b->spans[0].cost_state == TOLL_COST_PRICED);
	assert_true(toll_slice_is(b->spans[1].cost_error, "no price"));
	assert_int_equal(b->spans[1].cost_state, TOLL_COST_UNPRICED);
	assert_int_equal(b->spans[2].cost_state, TOLL_COST_FREE);
	assert_true(toll_slice_is(b->spans[3].cost_error, "no cost.amount"));
	for (uint32_t i = 0; i < 4; i++)
		assert_true(b->resources[i].received_ms == NOW_MS + i);
	toll_batch_unref(b);
	assert_int_equal(toll_gather_single(&g, 2, &one, &offset), 0);
	assert_int_equal(offset, 3);
	b = gathered(&one);
	assert_true(b->span_count == 1 && toll_slice_is(b->resources[0].service, "c"));
	toll_batch_unref(b);
	toll_gather_release(&g);
	toll_gather_release(&one);
}

/* Cut short, it would take the beginning of the next one for its end. */
static void a_request_ends_where_its_message_does(void **state TOLL_UNUSED)
{
	struct toll_gather g;
	struct toll_batch *b = NULL;
	char wire[2048];
	size_t len = request("a", NULL, 1, wire);

	toll_gather_init(&g, TOLL_KAFKA_OTLP_PROTO, true);
	for (size_t cut = 1; cut < len; cut++)
		assert_int_equal(add(&g, 1, wire, cut, NOW_MS), TOLL_EINVALID);
	assert_int_equal(add(&g, 2, wire, len, NOW_MS), 0);
	wire[3]++; /* framed well, and wrong inside */
	assert_int_equal(add(&g, 3, wire, len, NOW_MS), 0);
	assert_int_equal(toll_gather_close(&g), 0);
	assert_int_equal(toll_gather_batch(&g, NULL, &b, &why), TOLL_EINVALID);
	toll_gather_release(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_becomes_the_span_it_was),
		cmocka_unit_test(five_fields_are_enough),
		cmocka_unit_test(what_is_no_record_is_refused_alone),
		cmocka_unit_test(requests_are_one_with_a_time_each),
		cmocka_unit_test(a_request_ends_where_its_message_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
