/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/encode.h"

#include "pipeline/component.h"
#include "pipeline/record.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

struct world {
	struct toll_kafka_store store;
	struct toll_kafka_encoder encoder;
	struct toll_part part;
	struct toll_delivery delivery;
	struct toll_kafka_flight flight;
};

/* Two resources: `shop` with n spans, then `bank` with two. Span 1 of shop is dropped; span 2, if
 * giant, carries that many bytes. */
static struct toll_batch *batch(uint64_t n, size_t giant)
{
	struct msg *req = msg_new();
	struct toll_batch *b;

	for (int r = 0; r < 2; r++) {
		struct msg *rs = msg_new(), *ss = scope_spans_new("test");

		msg_add(rs, 1, resource_new(r ? "bank" : "shop"));
		for (uint64_t i = 0; i < (r ? 2 : n); i++) {
			struct msg *span = span_new("GET /cart", i + 1000 * (uint64_t)r, 5000);

			if (giant && r == 0 && i == 2) {
				char *text = malloc(giant + 1);

				memset(text, 'g', giant);
				text[giant] = '\0';
				msg_attr_str(span, 9, "blob", text);
				free(text);
			}
			msg_add(ss, 2, span);
		}
		msg_add(rs, 2, ss);
		msg_add(req, 1, rs);
	}
	b = batch_of_request(req);
	for (uint32_t i = 0; i < b->span_count; i++)
		b->spans[i].operation = b->spans[i].name;
	if (n > 1)
		toll_span_drop(b, &b->spans[1], TOLL_DROP_FILTERED);
	toll_batch_seal(b);
	return b;
}

static void setup(struct world *w, struct toll_batch *b, enum toll_kafka_encoding encoding,
                  size_t limit)
{
	*w = (struct world){ 0 };
	toll_kafka_store_init(&w->store);
	w->encoder = (struct toll_kafka_encoder){ .encoding = encoding,
		                                  .topic = TOLL_SLICE("t"),
		                                  .max_message_bytes = limit,
		                                  .header_bytes = 80,
		                                  .store = &w->store };
	w->part = (struct toll_part){ b, 0, b->span_count };
	w->delivery = (struct toll_delivery){ .parts = &w->part, .part_count = 1 };
	w->flight.delivery = &w->delivery;
}

static void teardown(struct world *w)
{
	toll_batch_unref((struct toll_batch *)(uintptr_t)w->part.batch);
	toll_kafka_encoder_release(&w->encoder);
	toll_kafka_store_release(&w->store);
}

static struct toll_kafka_record *next(struct world *w)
{
	struct toll_kafka_record *r;

	assert_int_equal(toll_kafka_encode_next(&w->encoder, &w->flight, &r), 0);
	return r;
}

static int contains(const struct toll_kafka_record *r, const char *text)
{
	return memmem(r->payload, r->size, text, strlen(text)) != NULL;
}

static void json_is_one_record_per_span_that_was_kept(void **state TOLL_UNUSED)
{
	struct world w;
	struct toll_kafka_record *r;
	char room[TOLL_KAFKA_KEY_ROOM];
	uint64_t seq = 0;
	int n = 0;

	setup(&w, batch(5, 0), TOLL_KAFKA_JSON, 1000000);
	while ((r = next(&w))) {
		assert_int_equal(r->count, 1);
		assert_true(r->seq > seq);
		seq = r->seq;
		assert_true(toll_slice_is(toll_kafka_record_key(r, room), n < 4 ? "shop" : "bank"));
		assert_true(contains(r, n < 4 ? "\"service\":\"shop\"" : "\"service\":\"bank\""));
		assert_int_equal(r->payload[0], '{');
		assert_int_equal(r->payload[r->size - 1], '}');
		n++;
	}
	assert_int_equal(n, 6);
	assert_int_equal(w.flight.open, 6);
	assert_true(w.flight.encoded);
	teardown(&w);
}

static void otlp_is_one_message_per_resource(void **state TOLL_UNUSED)
{
	for (int e = TOLL_KAFKA_OTLP_JSON; e <= TOLL_KAFKA_OTLP_PROTO; e++) {
		struct world w;
		struct toll_kafka_record *a, *b;
		char room[TOLL_KAFKA_KEY_ROOM];

		setup(&w, batch(5, 0), (enum toll_kafka_encoding)e, 1000000);
		a = next(&w);
		b = next(&w);
		assert_null(next(&w));
		assert_true(toll_slice_is(toll_kafka_record_key(a, room), "shop"));
		assert_true(toll_slice_is(toll_kafka_record_key(b, room), "bank"));
		assert_true(contains(a, "shop") && !contains(a, "bank"));
		teardown(&w);
	}
}

/* Every kept span is in exactly one message, none over the limit. */
static void messages_are_cut_by_their_size(void **state TOLL_UNUSED)
{
	for (int e = TOLL_KAFKA_OTLP_JSON; e <= TOLL_KAFKA_OTLP_PROTO; e++) {
		struct world w;
		struct toll_kafka_record *r;
		uint32_t expected = 0, messages = 0;

		setup(&w, batch(500, 0), (enum toll_kafka_encoding)e, 4000);
		while ((r = next(&w))) {
			assert_true(r->size <= toll_kafka_payload_limit(&w.encoder, 4));
			assert_false(r->dead_letter);
			assert_true(r->first >= expected);
			expected = r->first + r->count;
			messages++;
		}
		assert_int_equal(expected, 502);
		assert_true(messages >= 502 * 60 / 4000);
		assert_true(messages < 200);
		teardown(&w);
	}
}

static void span_too_large_alone_becomes_a_dead_letter(void **state TOLL_UNUSED)
{
	for (int e = TOLL_KAFKA_OTLP_JSON; e <= TOLL_KAFKA_OTLP_PROTO; e++) {
		struct world w;
		struct toll_kafka_record *r;
		uint32_t spans = 0, letters = 0;

		setup(&w, batch(10, 50000), (enum toll_kafka_encoding)e, 20000);
		while ((r = next(&w))) {
			if (r->dead_letter) {
				assert_int_equal(r->first, 2);
				assert_int_equal(r->count, 1);
				assert_true(contains(r, "is over the limit of 20000 bytes"));
				assert_true(contains(r, "\"service\":\"shop\""));
				assert_true(contains(r, "\"operation\":\"GET /cart\""));
				assert_true(contains(r, "\"span_id\":\"0300000000000000\""));
				assert_true(r->size > 4096 && r->size < 8192);
				letters++;
			}
			spans += r->count;
		}
		assert_int_equal(letters, 1);
		assert_true(spans >= 11);
		teardown(&w);
	}
}

static void json_record_too_large_becomes_a_dead_letter(void **state TOLL_UNUSED)
{
	char *name = malloc(5001);
	struct msg *span;
	struct toll_batch *b;
	struct world w;
	struct toll_kafka_record *r;

	memset(name, 'n', 5000);
	name[5000] = '\0';
	span = span_new(name, 1, 1);
	b = batch_of_request(request_of("shop", &span, 1));
	b->spans[0].operation = b->spans[0].name;
	toll_batch_seal(b);
	setup(&w, b, TOLL_KAFKA_JSON, 4000);
	r = next(&w);
	assert_true(r->dead_letter);
	assert_null(next(&w));
	teardown(&w);

	/* A generous bound over the limit is no reason: the record itself counts. */
	span = span_new(name, 1, 1);
	b = batch_of_request(request_of("shop", &span, 1));
	b->spans[0].operation = b->spans[0].name;
	toll_batch_seal(b);
	setup(&w, b, TOLL_KAFKA_JSON, 8000);
	r = next(&w);
	assert_false(r->dead_letter);
	assert_int_equal(r->payload[r->size - 1], '}');
	teardown(&w);
	free(name);
}

static void refused_message_is_cut_smaller(void **state TOLL_UNUSED)
{
	struct world w;
	struct toll_kafka_record *r, *part;
	struct toll_kafka_list out = { 0 };
	uint32_t spans = 0;
	uint64_t seq;

	setup(&w, batch(100, 0), TOLL_KAFKA_OTLP_PROTO, 1000000);
	r = next(&w);
	assert_int_equal(r->count, 100);
	seq = r->seq;
	w.encoder.max_message_bytes = 1500;
	assert_int_equal(toll_kafka_encode_smaller(&w.encoder, r, &out), 0);
	while ((part = toll_kafka_list_pop(&out))) {
		assert_true(part->size <= toll_kafka_payload_limit(&w.encoder, 4));
		assert_true(part->seq > seq);
		spans += part->count;
		toll_kafka_store_finish(&w.store, part);
	}
	assert_int_equal(spans, 100);
	assert_int_equal(w.flight.open, 0);

	/* What fits stays itself. */
	r = next(&w);
	assert_int_equal(toll_kafka_encode_smaller(&w.encoder, r, &out), 0);
	assert_ptr_equal(toll_kafka_list_pop(&out), r);
	teardown(&w);
}

/* ---- what came from a journal ---- */

#define JOURNAL "00112233445566778899aabbccddeeff"

/* As a start after a crash would have it: without dropped spans. */
static struct toll_batch *replayed(const struct toll_batch *b)
{
	struct toll_journal_record r = { .begin.seq = b->origin.seq };
	struct toll_journal_entry e;
	struct toll_batch *again;
	void *memory;
	char *bytes;

	assert_int_equal(toll_record_new(b, &e, &memory), 0);
	bytes = malloc(e.parts[0].len + e.parts[1].len);
	toll_write_raw(toll_write_raw(bytes, e.parts[0]), e.parts[1]);
	r.payload = toll_slice(bytes, e.parts[0].len + e.parts[1].len);
	r.type = e.type;
	assert_int_equal(toll_record_decode(&r, b->origin.epoch, NULL, &again), 0);
	free(bytes);
	free(memory);
	return again;
}

static struct toll_batch *journaled_batch(uint64_t n, size_t giant)
{
	struct toll_batch *b = batch(n, giant);

	b->origin.seq = 7;
	memcpy(b->origin.epoch, JOURNAL, sizeof(JOURNAL));
	return b;
}

static void same_message(const struct toll_kafka_record *a, const struct toll_kafka_record *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->payload, b->payload, a->size);
	assert_string_equal(toll_kafka_record_epoch(a), toll_kafka_record_epoch(b));
}

static void a_replay_makes_the_same_messages_with_the_same_numbers(void **state TOLL_UNUSED)
{
	const enum toll_kafka_encoding encodings[] = { TOLL_KAFKA_JSON, TOLL_KAFKA_OTLP_JSON,
		                                       TOLL_KAFKA_OTLP_PROTO };

	for (size_t i = 0; i < TOLL_COUNT(encodings); i++) {
		struct toll_batch *b = journaled_batch(50, 9000); /* more than its limit */
		struct toll_kafka_record *r, *s;
		struct world first, second;
		uint64_t seq = UINT64_C(7) << TOLL_KAFKA_SEQ_BITS;

		setup(&first, b, encodings[i], 4000);
		setup(&second, replayed(b), encodings[i], 4000);
		while ((r = next(&first))) {
			s = next(&second);
			same_message(r, s);
			assert_int_equal(r->seq, seq);
			seq += toll_kafka_record_kept(r);
		}
		assert_null(next(&second));
		assert_int_equal(seq & ((1u << TOLL_KAFKA_SEQ_BITS) - 1), 51);
		teardown(&first);
		teardown(&second);
	}
}

/* A delivery may end anywhere in a batch; another cut of its messages begins at other spans. */
static void numbers_do_not_depend_on_where_a_delivery_begins(void **state TOLL_UNUSED)
{
	for (uint32_t cut = 0; cut <= 7; cut++) {
		struct toll_batch *b = journaled_batch(5, 0);
		struct toll_part parts[] = { { b, 0, cut }, { b, cut, b->span_count - cut } };
		struct world w;

		setup(&w, b, TOLL_KAFKA_JSON, 1000000);
		w.delivery.parts = parts;
		w.delivery.part_count = 2;
		for (uint64_t i = 0; i < 6; i++)
			assert_int_equal(next(&w)->seq, UINT64_C(7) << TOLL_KAFKA_SEQ_BITS | i);
		assert_null(next(&w));
		teardown(&w);
	}
}

static void pieces_of_a_refused_message_are_numbered_on(void **state TOLL_UNUSED)
{
	struct toll_kafka_list out = { 0 };
	struct toll_kafka_record *r, *part;
	uint64_t seq;
	struct world w;

	setup(&w, journaled_batch(100, 0), TOLL_KAFKA_OTLP_PROTO, 1000000);
	r = next(&w);
	seq = r->seq;
	w.encoder.max_message_bytes = 1500;
	assert_int_equal(toll_kafka_encode_smaller(&w.encoder, r, &out), 0);
	while ((part = toll_kafka_list_pop(&out))) {
		assert_int_equal(part->seq, seq);
		seq += toll_kafka_record_kept(part);
		toll_kafka_store_finish(&w.store, part);
	}
	assert_int_equal(seq, (UINT64_C(7) << TOLL_KAFKA_SEQ_BITS) + 99);
	r = next(&w); /* bank's, as a dead letter */
	assert_int_equal(r->seq, seq);
	assert_int_equal(toll_kafka_encode_dead_letter(&w.encoder, r, TOLL_SLICE("no"), &out), 0);
	part = toll_kafka_list_pop(&out);
	assert_int_equal(part->seq, seq);
	teardown(&w);
}

/* The dead letter of a span with a giant service name must itself fit. */
static void key_of_a_giant_name_is_cut(void **state TOLL_UNUSED)
{
	enum { GIANT = 40000 };
	char *name = malloc(GIANT + 1), a_room[TOLL_KAFKA_KEY_ROOM], b_room[TOLL_KAFKA_KEY_ROOM];
	struct toll_slice a, b;

	name[GIANT] = '\0';
	for (size_t len = GIANT; len >= 127; len = len > 129 ? 129 : len - 1) {
		for (int turn = 0; turn < 2; turn++) {
			struct msg *span = span_new("GET /cart", 1, 1);
			struct toll_batch *batch;
			struct world w;

			memset(name, '%', len);
			name[len] = '\0';
			name[len - 1] = (char)('a' + turn);
			batch = batch_of_request(request_of(name, &span, 1));
			batch->spans[0].operation = batch->spans[0].name;
			toll_batch_seal(batch);
			setup(&w, batch, TOLL_KAFKA_JSON, 8000);
			b = toll_kafka_record_key(next(&w), b_room);
			assert_int_equal(b.len, len < 128 ? len : 128);
			assert_memory_equal(b.ptr, name, 111);
			if (len <= 128)
				assert_memory_equal(b.ptr, name, len);
			else
				assert_int_equal(b.ptr[111], '~');
			if (turn && len > 128)
				assert_memory_not_equal(a.ptr, b.ptr, 128);
			memcpy(a_room, b.ptr, b.len);
			a = toll_slice(a_room, b.len);
			teardown(&w);
		}
	}
	free(name);
}

/* Span 1 is dropped: it is in the run, and in no count. */
static void dropped_spans_are_not_counted(void **state TOLL_UNUSED)
{
	struct toll_kafka_list out = { 0 };
	struct toll_kafka_record *r;
	struct world w;

	setup(&w, batch(5, 0), TOLL_KAFKA_OTLP_PROTO, 1000000);
	r = next(&w);
	assert_int_equal(r->count, 5);
	assert_int_equal(toll_kafka_record_kept(r), 4);
	assert_int_equal(toll_kafka_encode_dead_letter(&w.encoder, r, TOLL_SLICE("no"), &out), 0);
	r = toll_kafka_list_pop(&out);
	assert_int_equal(toll_kafka_record_kept(r), 4);
	assert_true(contains(r, "\"spans\":4"));
	teardown(&w);
}

/* What is in cost_pico of an unpriced span means nothing. */
static void dead_letter_of_an_unpriced_span_costs_nothing(void **state TOLL_UNUSED)
{
	struct toll_kafka_list out = { 0 };
	struct toll_kafka_record *r;
	struct toll_batch *b = batch(1, 0);
	struct world w;

	b->spans[0].cost_pico = 7000000000000;
	b->spans[0].cost_error = TOLL_SLICE("no price for model x");
	setup(&w, b, TOLL_KAFKA_JSON, 1000000);
	r = next(&w);
	assert_int_equal(toll_kafka_encode_dead_letter(&w.encoder, r, TOLL_SLICE("no"), &out), 0);
	r = toll_kafka_list_pop(&out);
	assert_true(contains(r, "\"cost_amount\":0"));
	assert_true(contains(r, "\"cost_error\":\"no price for model x\""));
	b->spans[0].cost_state = TOLL_COST_PRICED;
	assert_int_equal(toll_kafka_encode_dead_letter(&w.encoder, r, TOLL_SLICE("no"), &out), 0);
	r = toll_kafka_list_pop(&out);
	assert_true(contains(r, "\"cost_amount\":7"));
	assert_false(contains(r, "cost_error"));
	teardown(&w);
}

/* Bytes outside the spans that no cutting can make smaller must not be tried for ever. */
static void resource_too_large_to_cut_becomes_dead_letters(void **state TOLL_UNUSED)
{
	struct toll_kafka_list out = { 0 };
	struct toll_kafka_record *r;
	struct world w;
	int letters = 0;

	for (int e = TOLL_KAFKA_OTLP_JSON; e <= TOLL_KAFKA_OTLP_PROTO; e++) {
		setup(&w, batch(3, 0), (enum toll_kafka_encoding)e, 1000000);
		r = next(&w);
		w.encoder.max_message_bytes = 100;
		assert_int_equal(toll_kafka_encode_smaller(&w.encoder, r, &out), 0);
		for (letters = 0; (r = toll_kafka_list_pop(&out)); letters++)
			assert_true(r->dead_letter);
		assert_int_equal(letters, 2);
		teardown(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_one_record_per_span_that_was_kept),
		cmocka_unit_test(otlp_is_one_message_per_resource),
		cmocka_unit_test(messages_are_cut_by_their_size),
		cmocka_unit_test(span_too_large_alone_becomes_a_dead_letter),
		cmocka_unit_test(json_record_too_large_becomes_a_dead_letter),
		cmocka_unit_test(refused_message_is_cut_smaller),
		cmocka_unit_test(a_replay_makes_the_same_messages_with_the_same_numbers),
		cmocka_unit_test(numbers_do_not_depend_on_where_a_delivery_begins),
		cmocka_unit_test(pieces_of_a_refused_message_are_numbered_on),
		cmocka_unit_test(key_of_a_giant_name_is_cut),
		cmocka_unit_test(dropped_spans_are_not_counted),
		cmocka_unit_test(dead_letter_of_an_unpriced_span_costs_nothing),
		cmocka_unit_test(resource_too_large_to_cut_becomes_dead_letters),
	};

	return cmocka_run_group_tests_name("kafka encode", tests, NULL, NULL);
}
