/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats_ring.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { MODEL_MAX = 4096 };

/* The same, said with an array: what is kept, the oldest first. */
struct model {
	uint64_t digests[MODEL_MAX][2];
	uint32_t seconds[MODEL_MAX];
	size_t count;
};

static void model_forget(struct model *m, size_t n)
{
	memmove(m->digests, m->digests + n, (m->count - n) * sizeof(m->digests[0]));
	memmove(m->seconds, m->seconds + n, (m->count - n) * sizeof(m->seconds[0]));
	m->count -= n;
}

static bool model_has(const struct model *m, const uint64_t d[2])
{
	for (size_t i = 0; i < m->count; i++)
		if (m->digests[i][0] == d[0] && m->digests[i][1] == d[1])
			return true;
	return false;
}

static size_t room_in(size_t max_bytes)
{
	size_t room = 16;

	if (room * TOLL_REPEATS_RING_ENTRY > max_bytes)
		return 0;
	while (2 * room * TOLL_REPEATS_RING_ENTRY <= max_bytes)
		room *= 2;
	return room;
}

static void model_put(struct model *m, const uint64_t d[2], uint32_t second, size_t max_bytes)
{
	size_t room = room_in(max_bytes);

	if (m->count == room)
		model_forget(m, 1);
	memcpy(m->digests[m->count], d, sizeof(m->digests[0]));
	m->seconds[m->count++] = second;
}

static void model_expire(struct model *m, uint32_t before)
{
	size_t n = 0;

	while (n < m->count && m->seconds[n] < before)
		n++;
	model_forget(m, n);
}

static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Few homes, so that they crowd and wrap around the end of the index. */
static void draw(uint64_t d[2])
{
	d[0] = next_random() % 7 ? next_random() % 400 : UINT64_MAX - next_random() % 5;
	d[1] = next_random() % 3;
}

static void compare(const struct toll_repeats_ring *r, const struct model *m)
{
	assert_int_equal(r->count, m->count);
	for (size_t i = 0; i < m->count; i++)
		assert_true(toll_repeats_ring_has(r, m->digests[i]));
	for (int i = 0; i < 50; i++) {
		uint64_t d[2];

		draw(d);
		assert_int_equal(toll_repeats_ring_has(r, d), model_has(m, d));
	}
}

static void step(struct toll_repeats_ring *r, struct model *m, uint32_t *now, size_t *max)
{
	uint64_t what = next_random() % 100, d[2];

	draw(d);
	if (what < 80) {
		if (toll_repeats_ring_has(r, d))
			return;
		assert_true(toll_repeats_ring_put(r, d, *now));
		model_put(m, d, *now, *max);
	} else if (what < 98) {
		*now += (uint32_t)(next_random() % 30);
		toll_repeats_ring_expire(r, *now > 300 ? *now - 300 : 0);
		model_expire(m, *now > 300 ? *now - 300 : 0);
	} else {
		*max = (16 + next_random() % 600) * TOLL_REPEATS_RING_ENTRY;
		toll_repeats_ring_limit(r, *max);
		if (m->count > room_in(*max))
			model_forget(m, m->count - room_in(*max));
	}
	assert_true(toll_repeats_ring_bytes(r) <= *max);
}

static void does_what_an_array_would(void **unused)
{
	static struct model m;

	(void)unused;
	for (state = 1; state < 16; state++) {
		uint64_t seed = state;
		size_t max = 600 * TOLL_REPEATS_RING_ENTRY;
		struct toll_repeats_ring r;
		uint32_t now = 0;

		m.count = 0;
		state *= UINT64_C(0x9e3779b97f4a7c15);
		toll_repeats_ring_init(&r, max);
		for (int i = 0; i < 4000; i++) {
			step(&r, &m, &now, &max);
			if (i % 100 == 0)
				compare(&r, &m);
		}
		compare(&r, &m);
		toll_repeats_ring_release(&r);
		state = seed;
	}
}

static void fill(struct toll_repeats_ring *r, uint32_t count, uint32_t second)
{
	for (uint32_t i = 0; i < count; i++)
		assert_true(toll_repeats_ring_put(r, (uint64_t[2]){ (uint64_t)second << 32 | i, 1 },
		                                  second));
}

static void memory_follows_what_is_kept(void **unused)
{
	struct toll_repeats_ring r;

	(void)unused;
	toll_repeats_ring_init(&r, (size_t)1 << 20);
	assert_int_equal(toll_repeats_ring_bytes(&r), 0);
	fill(&r, 20000, 1);
	assert_int_equal(r.count, 20000);
	assert_true(toll_repeats_ring_bytes(&r) > 20000 * TOLL_REPEATS_RING_ENTRY);
	fill(&r, 40000, 2);
	assert_true(toll_repeats_ring_bytes(&r) <= 1 << 20);
	assert_int_equal(r.count, 32768);
	toll_repeats_ring_expire(&r, 3);
	for (int i = 0; i < 10; i++)
		toll_repeats_ring_expire(&r, 3);
	assert_int_equal(r.count, 0);
	assert_int_equal(toll_repeats_ring_bytes(&r), 16 * TOLL_REPEATS_RING_ENTRY);
	toll_repeats_ring_release(&r);
}

static void without_room_nothing_is_kept(void **unused)
{
	struct toll_repeats_ring r;

	(void)unused;
	toll_repeats_ring_init(&r, 0);
	assert_false(toll_repeats_ring_put(&r, (uint64_t[2]){ 1, 2 }, 1));
	assert_false(toll_repeats_ring_has(&r, (uint64_t[2]){ 1, 2 }));
	toll_repeats_ring_limit(&r, (size_t)1 << 16);
	assert_true(toll_repeats_ring_put(&r, (uint64_t[2]){ 1, 2 }, 1));
	toll_repeats_ring_limit(&r, 0);
	assert_false(toll_repeats_ring_has(&r, (uint64_t[2]){ 1, 2 }));
	toll_repeats_ring_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_an_array_would),
		cmocka_unit_test(memory_follows_what_is_kept),
		cmocka_unit_test(without_room_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
