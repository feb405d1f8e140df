/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/record.h"

#include <stdio.h>

#include "pipeline/lost.h"
#include "pipeline/record_format.h"
#include "proto/cost_record.h"
#include "proto/otlp_json.h"
#include "tests/support/random_batch.h"
#include "tests/unit/unit.h"

#define EPOCH "00112233445566778899aabbccddeeff"

/* A record as a journal would give it back. */
struct written {
	struct toll_journal_record record;
	struct toll_journal_entry entry;
	char *bytes;
};

static struct written write_down(const struct toll_batch *b)
{
	struct written w = { .record.begin.seq = 42 };
	void *memory;
	char *at;

	assert_int_equal(toll_record_new(b, &w.entry, &memory), 0);
	for (uint32_t i = 0; i < w.entry.part_count; i++)
		w.record.payload.len += w.entry.parts[i].len;
	at = w.bytes = malloc(w.record.payload.len); /* no byte more: a sanitizer looks */
	for (uint32_t i = 0; i < w.entry.part_count; i++)
		at = toll_write_raw(at, w.entry.parts[i]);
	w.record.payload.ptr = w.bytes;
	w.record.type = w.entry.type;
	w.record.items = w.entry.items;
	free(memory);
	return w;
}

static struct toll_batch *read_back(const struct written *w)
{
	struct toll_batch *b;

	assert_int_equal(toll_record_decode(&w->record, EPOCH, NULL, &b), 0);
	return b;
}

static struct written of_request(struct msg *take_request)
{
	struct toll_batch *b = batch_of_request(take_request);
	struct written w = write_down(b);

	toll_batch_unref(b);
	return w;
}

/* ---- equality, as far as an exporter can see ---- */

static void same_text(struct toll_slice a, struct toll_slice b)
{
	assert_true(toll_slice_eq(a, b));
}

static void same_bytes(struct toll_slice a, struct toll_slice b)
{
	assert_int_equal(a.len, b.len);
	assert_true(a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void same_record(const struct toll_batch *a, const struct toll_span *s,
                        const struct toll_batch *b, const struct toll_span *t)
{
	char *x = malloc(toll_cost_record_bound(a, s)), *y = malloc(toll_cost_record_bound(b, t));

	same_bytes(toll_slice(x, (size_t)(toll_cost_record(a, s, x) - x)),
	           toll_slice(y, (size_t)(toll_cost_record(b, t, y) - y)));
	free(x);
	free(y);
}

static void same_span(const struct toll_batch *a, const struct toll_span *s,
                      const struct toll_batch *b, const struct toll_span *t)
{
	const struct toll_resource *r = &a->resources[s->resource], *q = &b->resources[t->resource];

	assert_memory_equal(s->trace_id, t->trace_id, 16);
	assert_memory_equal(s->span_id, t->span_id, 8);
	assert_int_equal(!s->parent_span_id, !t->parent_span_id);
	same_text(s->name, t->name);
	same_text(s->trace_state, t->trace_state);
	same_text(s->operation, t->operation);
	same_text(s->region, t->region);
	same_text(s->cost_error, t->cost_error);
	assert_int_equal(s->start_unix_nano, t->start_unix_nano);
	assert_int_equal(s->end_unix_nano, t->end_unix_nano);
	assert_int_equal(s->kind << 16 | s->status << 8 | s->cost_state,
	                 t->kind << 16 | t->status << 8 | t->cost_state);
	if (s->cost_state == TOLL_COST_UNPRICED)
		assert_int_equal(s->unpriced, t->unpriced);
	assert_int_equal(s->flags, t->flags);
	assert_int_equal(s->cost_pico, t->cost_pico);
	assert_int_equal(s->threshold, t->threshold);
	assert_int_equal(s->adjusted_count, t->adjusted_count);
	same_text(r->service, q->service);
	same_text(r->claimed, q->claimed);
	for (int d = 0; d < TOLL_DIMENSION_COUNT; d++) {
		same_text(r->dimensions[d], q->dimensions[d]);
		same_text(toll_span_dimension(a, s, (enum toll_dimension)d),
		          toll_span_dimension(b, t, (enum toll_dimension)d));
	}
	same_record(a, s, b, t);
}

static void same_selection(const struct toll_selection *x, const struct toll_selection *y)
{
	size_t size = toll_otlp_size(x);
	char *a = malloc(size + 1), *b = malloc(size + 1);
	struct toll_buffer c = { 0 }, d = { 0 };

	assert_int_equal(size, toll_otlp_size(y));
	toll_otlp_encode(x, a);
	toll_otlp_encode(y, b);
	same_bytes(toll_slice(a, size), toll_slice(b, size));
	toll_otlp_json(x, &c);
	toll_otlp_json(y, &d);
	same_bytes(toll_slice(c.ptr, c.len), toll_slice(d.ptr, d.len));
	toll_buffer_release(&c);
	toll_buffer_release(&d);
	free(a);
	free(b);
}

/* Of a, with its dropped spans, [first, end); those of them that are kept in b. */
static void same_range(const struct toll_batch *a, uint32_t first, uint32_t end,
                       const struct toll_batch *b)
{
	struct toll_selection x = { a, first, end - first }, y = { b, 0, 0 };

	for (uint32_t i = 0; i < end; i++) {
		y.first += i < first && !a->spans[i].dropped;
		y.count += i >= first && !a->spans[i].dropped;
	}
	same_selection(&x, &y);
}

static void same_batch(const struct toll_batch *a, const struct toll_batch *b, struct chance *c)
{
	const struct toll_selection x = { a, 0, TOLL_WHOLE_BATCH }, y = { b, 0, TOLL_WHOLE_BATCH };
	uint32_t t = 0;

	assert_true(b->sealed);
	assert_int_equal(a->kept_count, b->kept_count);
	assert_int_equal(b->kept_count, b->span_count);
	for (uint32_t i = 0; i < a->span_count; i++)
		if (!a->spans[i].dropped)
			same_span(a, &a->spans[i], b, &b->spans[t++]);
	same_selection(&x, &y);
	for (int i = 0; i < 4; i++) {
		uint32_t first = chance_below(c, a->span_count + 1);

		same_range(a, first, first + chance_below(c, a->span_count - first + 1), b);
	}
	assert_int_equal(a->received_wall_ms, b->received_wall_ms);
	assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
	same_text(toll_slice_str(a->price_version ? a->price_version : ""),
	          toll_slice_str(b->price_version ? b->price_version : ""));
}

static void same_worth(const struct toll_batch *b, const struct toll_journal_entry *e)
{
	const struct toll_part all = { .batch = (struct toll_batch *)(uintptr_t)b,
		                       .count = b->span_count };
	struct toll_lost lost = { 0 };

	toll_lost_add(&lost, &all);
	assert_int_equal(toll_record_worth(b).items, e->items);
	assert_true(toll_record_worth(b).pico == e->pico);
	assert_int_equal(lost.spans, e->items);
	if (lost.pico < UINT64_MAX)
		assert_true(e->pico == lost.pico);
	else
		assert_true(e->pico >= lost.pico);
}

static void any_batch_comes_back_as_it_was(void **state TOLL_UNUSED)
{
	const char *rounds = getenv("TOLL_RECORD_ROUNDS"), *seed = getenv("TOLL_RECORD_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
	uint64_t count = rounds ? strtoull(rounds, NULL, 10) : 3000;

	for (uint64_t i = first; i < first + count; i++) {
		struct chance c = { i };
		struct toll_batch *a = random_batch(&c), *b;
		bool early = chance_one_in(&c, 2);
		struct written w, again;

		if (early)
			toll_batch_seal(a);
		w = write_down(a);
		if (!early)
			toll_batch_seal(a);
		b = read_back(&w);
		same_batch(a, b, &c);
		same_worth(a, &w.entry);
		assert_string_equal(b->origin.epoch, EPOCH);
		assert_int_equal(b->origin.seq, 42);
		again = write_down(b);
		same_bytes(w.record.payload, again.record.payload);
		free(again.bytes);
		free(w.bytes);
		toll_batch_unref(b);
		toll_batch_unref(a);
	}
}

/* ---- limits of clients do not bind what processors have made ---- */

/* Attributes of two bytes each, bought by a long one that goes: more views than a client may ask
 * for. */
static void what_processors_have_made_small_is_read(void **state TOLL_UNUSED)
{
	struct msg *span = span_new("op", 1, 1), *none = msg_new();
	char *ballast = calloc(1, 200001);
	struct toll_batch *b, *again;
	struct written w;

	memset(ballast, 'x', 200000);
	msg_attr_str(span, 9, "ballast", ballast);
	for (int i = 0; i < 30000; i++)
		msg_bytes(span, 9, none->bytes, 0);
	b = batch_of_request(request_of("svc", &span, 1));
	assert_int_equal(toll_attr_delete(b, &b->spans[0].node, &b->spans[0].node.attrs[0]), 0);
	w = write_down(b);
	again = read_back(&w);
	assert_int_equal(again->spans[0].node.attr_count, 30000);
	toll_batch_unref(again);
	toll_batch_unref(b);
	free(w.bytes);
	free(ballast);
	free(none);
}

static void more_attributes_than_a_client_may_send_are_read(void **state TOLL_UNUSED)
{
	const uint32_t attrs = TOLL_MAX_ATTRS + 5;
	size_t span_len = 28 + (size_t)attrs * 2, room = span_len + 100;
	char *payload = calloc(1, room), *span = calloc(1, span_len), *scope = calloc(1, room);
	char *at = toll_write_bytes(span, 0x0a, toll_slice("0123456789abcdef", 16)), *end;
	struct toll_record_head head = { .table_bytes = 4, .spans = 1 };
	struct toll_journal_record r = { .type = TOLL_RECORD_BATCH };
	struct toll_batch *b;
	size_t len;

	at = toll_write_bytes(at, 0x12, toll_slice("01234567", 8));
	for (uint32_t i = 0; i < attrs; i++)
		at = toll_write_bytes(at, 0x4a, toll_slice("", 0));
	len = (size_t)(toll_write_bytes(scope, 0x12, toll_slice(span, (size_t)(at - span))) -
	               scope);
	memmove(span = realloc(span, room), scope, len);
	len = (size_t)(toll_write_bytes(scope, 0x12, toll_slice(span, len)) - scope);
	toll_record_head_write(&head, payload);
	memcpy(payload + TOLL_RECORD_HEAD, "\0\0\0\2", 4); /* three empty texts, a priced span */
	end = toll_write_bytes(payload + TOLL_RECORD_HEAD + 4, 0x0a, toll_slice(scope, len));
	r.payload = toll_slice(payload, (size_t)(end - payload));
	assert_int_equal(toll_record_decode(&r, EPOCH, NULL, &b), 0);
	assert_int_equal(b->spans[0].node.attr_count, attrs);
	toll_batch_unref(b);
	free(payload);
	free(span);
	free(scope);
}

static void a_region_of_one_resource_is_written_once(void **state TOLL_UNUSED)
{
	struct msg *spans[64];
	struct toll_batch *b;
	struct written w;

	for (uint64_t i = 0; i < 64; i++)
		spans[i] = span_new("GET /somewhere/rather/far/away", i, 1);
	b = batch_of_request(request_of("svc", spans, 64));
	toll_batch_derive_operations(b, NULL);
	for (uint32_t i = 0; i < 64; i++) {
		b->spans[i].region = i % 2 ? TOLL_SLICE("us-east-1") : TOLL_SLICE("eu-central-1");
		b->spans[i].cost_state = TOLL_COST_FREE;
	}
	w = write_down(b);
	assert_in_range(w.entry.parts[0].len, 1, TOLL_RECORD_HEAD + 64 * 2 + 80);
	toll_batch_unref(b);
	free(w.bytes);
}

/* ---- what is no record of ours ---- */

static int decode(const struct written *w, struct toll_slice payload, uint16_t type)
{
	struct toll_journal_record r = w->record;
	struct toll_batch *b = NULL;
	char *copy = malloc(payload.len + 1);
	int err;

	r.type = type;
	r.payload = toll_slice(copy, payload.len);
	toll_write_raw(copy, payload);
	err = toll_record_decode(&r, EPOCH, NULL, &b);
	if (!err)
		toll_batch_unref(b);
	free(copy);
	return err;
}

static struct written small_record(void)
{
	struct msg *spans[3];

	for (uint64_t i = 0; i < 3; i++)
		spans[i] = span_new("op", i, 1);
	return of_request(request_of("svc", spans, 3));
}

static void what_a_newer_program_wrote_is_told_apart(void **state TOLL_UNUSED)
{
	struct written w = small_record();

	assert_int_equal(decode(&w, w.record.payload, TOLL_RECORD_BATCH), 0);
	assert_int_equal(decode(&w, w.record.payload, TOLL_RECORD_BATCH + 1), TOLL_EUNSUPPORTED);
	w.bytes[0] = TOLL_RECORD_VERSION + 1;
	assert_int_equal(decode(&w, w.record.payload, TOLL_RECORD_BATCH), TOLL_EUNSUPPORTED);
	w.bytes[0] = 0;
	assert_int_equal(decode(&w, w.record.payload, TOLL_RECORD_BATCH), TOLL_EINVALID);
	free(w.bytes);
}

static void a_record_that_is_cut_or_spoilt_is_refused_or_read(void **state TOLL_UNUSED)
{
	struct written w = small_record();

	for (size_t len = 0; len < w.record.payload.len; len++)
		assert_int_equal(decode(&w, toll_slice(w.bytes, len), TOLL_RECORD_BATCH),
		                 TOLL_EINVALID);
	for (size_t bit = 0; bit < w.record.payload.len * 8; bit++) {
		int err;

		w.bytes[bit / 8] ^= (char)(1 << bit % 8);
		err = decode(&w, w.record.payload, TOLL_RECORD_BATCH);
		assert_true(err == 0 || err == TOLL_EINVALID || err == TOLL_EUNSUPPORTED);
		w.bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	free(w.bytes);
}

/* ---- memory ---- */

static void the_budget_is_asked_and_gets_everything_back(void **state TOLL_UNUSED)
{
	struct written w = small_record();
	struct toll_memory memory = { 0 };
	struct toll_batch *b;

	for (size_t limit = 1; limit < (1 << 20); limit += 97) {
		int err;

		atomic_store(&memory.limit, limit);
		err = toll_record_decode(&w.record, EPOCH, &memory, &b);
		assert_true(err == 0 || err == TOLL_EFULL);
		if (!err) {
			assert_in_range(atomic_load(&memory.used), w.record.payload.len, limit);
			toll_batch_unref(b);
			limit = 1 << 20;
		}
		assert_int_equal(atomic_load(&memory.used), 0);
	}
	free(w.bytes);
}

static void a_batch_of_which_nothing_is_kept_is_a_record_too(void **state TOLL_UNUSED)
{
	struct msg *span = span_new("op", 1, 1);
	struct toll_batch *b = batch_of_request(request_of("svc", &span, 1)), *again;
	struct written w;

	toll_span_drop(b, &b->spans[0], TOLL_DROP_FILTERED);
	w = write_down(b);
	assert_int_equal(w.entry.items, 0);
	again = read_back(&w);
	assert_int_equal(again->span_count, 0);
	toll_batch_unref(again);
	toll_batch_unref(b);
	free(w.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_batch_comes_back_as_it_was),
		cmocka_unit_test(what_processors_have_made_small_is_read),
		cmocka_unit_test(more_attributes_than_a_client_may_send_are_read),
		cmocka_unit_test(a_region_of_one_resource_is_written_once),
		cmocka_unit_test(what_a_newer_program_wrote_is_told_apart),
		cmocka_unit_test(a_record_that_is_cut_or_spoilt_is_refused_or_read),
		cmocka_unit_test(the_budget_is_asked_and_gets_everything_back),
		cmocka_unit_test(a_batch_of_which_nothing_is_kept_is_a_record_too),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
