/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

struct client {
	struct toll_ack ack;
	atomic_int answers;
	int err;
};

static void answered(struct toll_ack *ack, int err)
{
	struct client *c = toll_container_of(ack, struct client, ack);

	c->err = err;
	atomic_fetch_add(&c->answers, 1);
}

static struct client client(void)
{
	return (struct client){ .ack = { .done = answered } };
}

static struct toll_repeats *ring_of(uint64_t max_age_ns, uint64_t max_bytes)
{
	struct toll_repeats *r = toll_repeats_new(42);

	assert_non_null(r);
	toll_repeats_limit(r, max_age_ns, max_bytes);
	return r;
}

static struct toll_repeat repeat(const struct toll_repeats *r, const char *bytes, const void *way)
{
	struct toll_repeat p = { .way = way };

	toll_repeats_digest(r, toll_slice_str(bytes), 1, 0, p.digest);
	return p;
}

static void settle(struct toll_repeats *r, struct toll_repeat *p, int err)
{
	toll_repeats_answer(toll_repeats_settle(r, p, !err), err);
}

static void what_was_taken_is_known(void **unused)
{
	struct toll_repeats *r = ring_of(60 * TOLL_S, 1 << 20);
	struct toll_repeat p = repeat(r, "one", NULL), other = repeat(r, "two", NULL);

	(void)unused;
	assert_int_equal(toll_repeats_begin(r, &p, NULL), TOLL_REPEATS_NEW);
	settle(r, &p, 0);
	assert_int_equal(toll_repeats_begin(r, &p, NULL), TOLL_REPEATS_KNOWN);
	assert_int_equal(toll_repeats_begin(r, &other, NULL), TOLL_REPEATS_NEW);
	settle(r, &other, 0);
	toll_repeats_free(r);
}

static void what_was_refused_is_forgotten(void **unused)
{
	struct toll_repeats *r = ring_of(60 * TOLL_S, 1 << 20);
	struct toll_repeat p = repeat(r, "one", NULL);

	(void)unused;
	assert_int_equal(toll_repeats_begin(r, &p, NULL), TOLL_REPEATS_NEW);
	settle(r, &p, TOLL_EFULL);
	assert_int_equal(toll_repeats_begin(r, &p, NULL), TOLL_REPEATS_NEW);
	settle(r, &p, 0);
	toll_repeats_free(r);
}

static void a_copy_waits_for_the_answer_of_the_first(void **unused)
{
	const int errors[] = { 0, TOLL_EFULL, TOLL_EINTERNAL };

	(void)unused;
	for (size_t i = 0; i < TOLL_COUNT(errors); i++) {
		struct toll_repeats *r = ring_of(60 * TOLL_S, 1 << 20);
		struct toll_repeat first = repeat(r, "one", r), copy = first, again = first;
		struct client second = client(), third = client();

		assert_int_equal(toll_repeats_begin(r, &first, NULL), TOLL_REPEATS_NEW);
		assert_int_equal(toll_repeats_begin(r, &copy, &second.ack), TOLL_REPEATS_WAITS);
		assert_int_equal(toll_repeats_begin(r, &again, &third.ack), TOLL_REPEATS_WAITS);
		assert_int_equal(second.answers, 0);
		settle(r, &first, errors[i]);
		assert_int_equal(second.answers, 1);
		assert_int_equal(third.answers, 1);
		assert_int_equal(second.err, errors[i]);
		assert_int_equal(third.err, errors[i]);
		assert_true(second.ack.repeated);
		toll_repeats_free(r);
	}
}

/* Its answer would not be the copy's. */
static void a_copy_on_another_way_must_come_again(void **unused)
{
	struct toll_repeats *r = ring_of(60 * TOLL_S, 1 << 20);
	struct toll_repeat first = repeat(r, "one", r), copy = repeat(r, "one", &first);
	struct client c = client();

	(void)unused;
	assert_int_equal(toll_repeats_begin(r, &first, NULL), TOLL_REPEATS_NEW);
	assert_int_equal(toll_repeats_begin(r, &copy, &c.ack), TOLL_REPEATS_BUSY);
	settle(r, &first, 0);
	assert_int_equal(c.answers, 0);
	assert_int_equal(toll_repeats_begin(r, &copy, &c.ack), TOLL_REPEATS_KNOWN);
	toll_repeats_free(r);
}

static void those_who_wait_are_bounded(void **unused)
{
	struct toll_repeats *r = ring_of(60 * TOLL_S, 1 << 20);
	struct toll_repeat first = repeat(r, "one", NULL), copy = first;
	struct client clients[TOLL_REPEATS_WAITERS_MAX + 1];

	(void)unused;
	assert_int_equal(toll_repeats_begin(r, &first, NULL), TOLL_REPEATS_NEW);
	for (size_t i = 0; i < TOLL_COUNT(clients); i++) {
		clients[i] = client();
		assert_int_equal(toll_repeats_begin(r, &copy, &clients[i].ack),
		                 i < TOLL_REPEATS_WAITERS_MAX ? TOLL_REPEATS_WAITS
		                                              : TOLL_REPEATS_BUSY);
	}
	settle(r, &first, 0);
	for (size_t i = 0; i < TOLL_REPEATS_WAITERS_MAX; i++)
		assert_int_equal(clients[i].answers, 1);
	toll_repeats_free(r);
}

static void bytes_are_known_by_who_sent_them_and_on_which_way(void **unused)
{
	struct toll_repeats *r = toll_repeats_new(1), *stranger = toll_repeats_new(2);
	struct toll_slice bytes = toll_slice_str("bytes");
	uint64_t a[2], b[2];

	(void)unused;
	toll_repeats_digest(r, bytes, 1, 0, a);
	toll_repeats_digest(r, bytes, 1, 0, b);
	assert_memory_equal(a, b, sizeof(a));
	toll_repeats_digest(r, bytes, 2, 0, b);
	assert_memory_not_equal(a, b, sizeof(a));
	toll_repeats_digest(r, bytes, 1, 1, b);
	assert_memory_not_equal(a, b, sizeof(a));
	toll_repeats_digest(stranger, bytes, 1, 0, b);
	assert_memory_not_equal(a, b, sizeof(a));
	toll_repeats_free(r);
	toll_repeats_free(stranger);
}

/* ---- bounds ---- */

static uint64_t test_now = 1000 * TOLL_S;

static uint64_t test_clock(void)
{
	return test_now;
}

static bool is_known(struct toll_repeats *r, const char *bytes)
{
	struct toll_repeat p = repeat(r, bytes, NULL);
	bool known = toll_repeats_begin(r, &p, NULL) == TOLL_REPEATS_KNOWN;

	if (!known)
		settle(r, &p, TOLL_EFULL);
	return known;
}

static void take(struct toll_repeats *r, const char *bytes)
{
	struct toll_repeat p = repeat(r, bytes, NULL);

	assert_int_equal(toll_repeats_begin(r, &p, NULL), TOLL_REPEATS_NEW);
	settle(r, &p, 0);
}

static void the_old_is_forgotten(void **unused)
{
	struct toll_repeats *r;
	struct toll_repeat p;

	(void)unused;
	toll_clock_replace(test_clock, NULL);
	r = ring_of(10 * TOLL_S, 1 << 20);
	take(r, "one");
	test_now += 9 * TOLL_S;
	assert_true(is_known(r, "one"));
	test_now += 3 * TOLL_S;
	assert_false(is_known(r, "one"));
	p = repeat(r, "two", NULL);
	toll_repeats_remember(r, p.digest, 8 * TOLL_S);
	assert_true(is_known(r, "two"));
	test_now += 3 * TOLL_S;
	assert_false(is_known(r, "two"));
	toll_repeats_free(r);
	toll_clock_replace(NULL, NULL);
}

static void bytes_are_bounded_and_what_is_cut_is_counted(void **unused)
{
	struct toll_repeats *r = ring_of(600 * TOLL_S, 64 << 10);
	struct toll_repeats_counts n;

	(void)unused;
	for (int i = 0; i < 10000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%d", i);
		take(r, text);
	}
	toll_repeats_count(r, &n);
	assert_true(n.bytes <= 64 << 10);
	assert_int_equal(n.known, 128 * TOLL_REPEATS_SHARDS);
	assert_int_equal(n.known + n.cut, 10000);
	assert_int_equal(n.pending, 0);
	assert_true(is_known(r, "9999"));
	assert_false(is_known(r, "0"));
	toll_repeats_free(r);
}

/* ---- many threads ---- */

enum { THREADS = 4, ROUNDS = 4000, BODIES = 64 };

struct crowd {
	struct toll_repeats *ring;
	atomic_uint taken[BODIES], waited, known, refused;
};

static void attempt(struct crowd *c, unsigned body, unsigned luck)
{
	struct client *me = calloc(1, sizeof(*me));
	struct toll_repeat p = { 0 };
	char text[32];

	*me = client();
	snprintf(text, sizeof(text), "%u", body);
	p = repeat(c->ring, text, c);
	switch (toll_repeats_begin(c->ring, &p, &me->ack)) {
	case TOLL_REPEATS_NEW:
		if (luck % 4)
			atomic_fetch_add(&c->taken[body], 1);
		else
			atomic_fetch_add(&c->refused, 1);
		settle(c->ring, &p, luck % 4 ? 0 : TOLL_EFULL);
		break;
	case TOLL_REPEATS_WAITS:
		while (!atomic_load(&me->answers))
			sched_yield();
		atomic_fetch_add(&c->waited, 1);
		break;
	default:
		atomic_fetch_add(&c->known, 1);
	}
	free(me);
}

static void *work(void *arg)
{
	struct crowd *c = arg;
	unsigned x = (unsigned)(uintptr_t)&x;

	for (unsigned i = 0; i < ROUNDS; i++) {
		x = x * 1664525 + 1013904223;
		attempt(c, i * BODIES / ROUNDS, x >> 16);
	}
	return NULL;
}

static void many_threads_take_each_once(void **unused)
{
	struct crowd c = { .ring = ring_of(600 * TOLL_S, 1 << 20) };
	pthread_t threads[THREADS];
	struct toll_repeats_counts n;

	(void)unused;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &c), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < BODIES; i++)
		assert_int_equal(c.taken[i], 1);
	assert_int_equal(BODIES + c.refused + c.waited + c.known, THREADS * ROUNDS);
	toll_repeats_count(c.ring, &n);
	assert_int_equal(n.known, BODIES);
	toll_repeats_free(c.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_taken_is_known),
		cmocka_unit_test(what_was_refused_is_forgotten),
		cmocka_unit_test(a_copy_waits_for_the_answer_of_the_first),
		cmocka_unit_test(a_copy_on_another_way_must_come_again),
		cmocka_unit_test(those_who_wait_are_bounded),
		cmocka_unit_test(bytes_are_known_by_who_sent_them_and_on_which_way),
		cmocka_unit_test(the_old_is_forgotten),
		cmocka_unit_test(bytes_are_bounded_and_what_is_cut_is_counted),
		cmocka_unit_test(many_threads_take_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
