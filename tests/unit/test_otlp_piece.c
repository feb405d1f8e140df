/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/otlp_piece.h"

#include "proto/otlp_encode.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

enum { BATCHES = 3, SPANS = 12 };

struct rig {
	struct toll_batch *batches[BATCHES];
	struct toll_part parts[BATCHES];
	struct toll_delivery d;
};

/* Spans numbered through; every fifth is dropped; the parts leave out the first and last of each.
 */
static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	for (uint64_t i = 0; i < BATCHES; i++) {
		struct msg *list[SPANS];
		struct toll_batch *b;

		for (uint64_t j = 0; j < SPANS; j++) {
			list[j] = span_new("op", i * SPANS + j, j);
			if (j == 7)
				msg_attr_str(list[j], 9, "text",
				             "a span that takes more than the others");
		}
		b = batch_of_request(request_of("shop", list, SPANS));
		for (uint32_t j = 0; j < SPANS; j += 5) {
			b->spans[j].dropped = 1;
			b->kept_count--;
		}
		toll_batch_seal(b);
		g->batches[i] = b;
		g->parts[i] = (struct toll_part){ b, 1, SPANS - 2 };
		g->d.span_count += SPANS - 2 - 2;
	}
	g->d.parts = g->parts;
	g->d.part_count = BATCHES;
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	for (int i = 0; i < BATCHES; i++)
		toll_batch_unref(g->batches[i]);
	free(g);
	return 0;
}

/* The number of the n-th kept span. */
static uint64_t number_of(uint32_t n)
{
	static const uint64_t in_batch[] = { 1, 2, 3, 4, 6, 7, 8, 9 };

	return n / 8 * SPANS + in_batch[n % 8];
}

/* Encodes, checks the promised size, decodes; its spans must be the next ones. */
static void check(const struct toll_otlp_piece *p, uint32_t done)
{
	char *out = malloc(p->size + 8);
	struct toll_batch *b;
	int err;

	memset(out + p->size, 0x5a, 8);
	toll_otlp_piece_encode(p, out);
	assert_memory_equal(out + p->size, "ZZZZZZZZ", 8);
	b = batch_of(toll_slice(out, p->size), &err, NULL);
	assert_int_equal(err, 0);
	assert_int_equal(b->span_count, p->kept);
	for (uint32_t i = 0; i < p->kept; i++) {
		uint64_t id;

		memcpy(&id, b->spans[i].span_id, 8);
		assert_int_equal(id, number_of(done + i) + 1);
	}
	assert_int_equal(toll_otlp_piece_lost(p).spans, p->kept);
	toll_batch_unref(b);
	free(out);
}

static void every_limit_cuts_into_all_spans_in_order(void **state)
{
	struct rig *g = *state;

	for (size_t limit = 1; limit < 3000; limit += 13) {
		struct toll_otlp_piece p;
		uint32_t done = 0;

		while (toll_otlp_piece_next(&g->d, done, limit, &p)) {
			assert_true(p.kept == 1 || p.size <= limit);
			check(&p, done);
			done += p.kept;
		}
		assert_int_equal(done, g->d.span_count);
	}
}

static void begins_anywhere(void **state)
{
	struct rig *g = *state;
	struct toll_otlp_piece p;

	for (uint32_t done = 0; done < g->d.span_count; done++) {
		assert_true(toll_otlp_piece_next(&g->d, done, 1 << 20, &p));
		assert_int_equal(p.kept, g->d.span_count - done);
		check(&p, done);
	}
	assert_false(toll_otlp_piece_next(&g->d, g->d.span_count, 1 << 20, &p));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_limit_cuts_into_all_spans_in_order),
		TEST(begins_anywhere),
	};

	return cmocka_run_group_tests_name("otlp_out_piece", tests, NULL, NULL);
}
