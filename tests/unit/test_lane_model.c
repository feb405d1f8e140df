/* SPDX-License-Identifier: Apache-2.0 */
/* test_lane_model.c - a runner, a journal and an exporter that do all they can by chance, beside a
 * model of what was promised: every record is given, in order, once in the life of a runner; the
 * cursor never stands behind one that is not done; whoever waits hears once, and no wrong OK.
 *
 * TOLL_LANE_ROUNDS=5000 plays so many games (quick form: 30); TOLL_LANE_SEED=7 only that one. */
#include <stdio.h>

#include "base/log.h"
#include "tests/support/fake_batch.h"
#include "tests/support/lane.h"
#include "tests/support/random_batch.h"
#include "tests/unit/unit.h"

enum { RECORDS = 160, GIVEN = 60000, HELD = 64, SPACE = 100, QUICK_ROUNDS = 30 };
/* Spans of requests that come without a journal begin here. */
#define PLAIN UINT64_C(1000000000)

struct model_waiter {
	struct toll_waiter super;
	atomic_uint calls;
	atomic_int err;
};

/* Of one record, by its sequence. */
struct model_record {
	uint32_t spans;
	uint64_t sent;      /* one bit per span: in some life */
	uint64_t done;      /* in this life: sent, or lost and counted */
	bool lost;          /* ... all of it, once */
	bool may_be_missed; /* damaged, dropped, or nothing that can be decoded */
	struct model_waiter waiter;
};

/* What the exporter was given, at first attempts. */
struct model_given {
	uint64_t seq;
	uint32_t first, count;
};

static struct game {
	struct lane_rig log;
	struct toll_exporter exporter;
	struct toll_stats stats;
	struct toll_exporter_settings set;
	struct toll_runner *runner;
	struct toll_memory memory;
	struct chance main; /* the main thread's */

	pthread_mutex_t lock; /* of what follows */
	struct chance chance;
	bool is_kind; /* everything succeeds */
	bool over;    /* answers count no more */
	bool durable_later;
	uint64_t durable;
	struct model_record records[RECORDS];
	uint64_t count;
	struct model_given given[GIVEN];
	size_t given_count, checked;
	uint64_t next_seq; /* what must be given next */
	uint32_t next_span;
	struct toll_delivery *held[HELD];
	unsigned held_count;
} game;

/* ---- the exporter ---- */

static uint64_t first_of(const struct toll_part *p)
{
	return p->batch->spans[p->first].start_unix_nano;
}

static uint64_t bits(uint32_t first, uint32_t count)
{
	return ((UINT64_C(1) << count) - 1) << first;
}

static void note_given(const struct toll_delivery *d)
{
	for (uint32_t i = 0; i < d->part_count && !d->attempt; i++) {
		const struct toll_part *p = &d->parts[i];
		uint64_t at = first_of(p);

		if (at >= PLAIN)
			continue;
		if (game.given_count == GIVEN)
			abort();
		game.given[game.given_count++] =
			(struct model_given){ at / SPACE, (uint32_t)(at % SPACE), p->count };
	}
}

/* Before the runner hears of it, so that the model is never behind. */
static void note_answer(const struct toll_delivery *d, int err)
{
	if (game.over || toll_err_retryable(err))
		return;
	for (uint32_t i = 0; i < d->part_count; i++) {
		const struct toll_part *p = &d->parts[i];
		uint64_t at = first_of(p);
		struct model_record *r;

		if (at >= PLAIN)
			continue;
		r = &game.records[at / SPACE];
		r->done |= bits((uint32_t)(at % SPACE), p->count);
		if (err)
			r->lost = true;
		else
			r->sent |= bits((uint32_t)(at % SPACE), p->count);
	}
}

static int verdict(struct chance *c)
{
	static const int errs[] = { 0, 0, 0, 0, 0, TOLL_EDOWN, TOLL_EDOWN, TOLL_EREFUSED };

	return game.is_kind ? 0 : CHANCE_PICK(c, errs);
}

static int export_parts(struct toll_exporter *e TOLL_UNUSED, struct toll_delivery *d)
{
	bool hold;
	int err;

	pthread_mutex_lock(&game.lock);
	note_given(d);
	err = verdict(&game.chance);
	hold = !game.is_kind && game.held_count < HELD && chance_one_in(&game.chance, 2);
	if (hold)
		game.held[game.held_count++] = d;
	else
		note_answer(d, err);
	pthread_mutex_unlock(&game.lock);
	if (!hold)
		toll_delivery_done(d, err);
	return 0;
}

static void answer_one(struct chance *c)
{
	struct toll_delivery *d = NULL;
	unsigned i;
	int err;

	pthread_mutex_lock(&game.lock);
	if (game.held_count) {
		i = chance_below(c, game.held_count);
		d = game.held[i];
		game.held[i] = game.held[--game.held_count];
		err = verdict(c);
		note_answer(d, err);
	}
	pthread_mutex_unlock(&game.lock);
	if (d)
		toll_delivery_done(d, err);
}

static uint64_t lowest_open(void)
{
	for (uint64_t seq = 0; seq < game.count; seq++) {
		const struct model_record *r = &game.records[seq];

		if (!r->may_be_missed && r->done != bits(0, r->spans))
			return seq;
	}
	return game.count;
}

static uint64_t durable_seq(struct toll_exporter *e TOLL_UNUSED, const char *epoch TOLL_UNUSED)
{
	uint64_t seq, open;

	pthread_mutex_lock(&game.lock);
	open = lowest_open();
	if (open > game.durable)
		game.durable += chance_below(&game.chance, (uint32_t)(open - game.durable) + 1);
	seq = game.durable;
	pthread_mutex_unlock(&game.lock);
	return seq;
}

/* ---- what must hold ---- */

static void step_over(uint64_t seq)
{
	while (game.next_seq < seq) {
		if (!game.records[game.next_seq].may_be_missed)
			fail_msg("record %llu was skipped", (unsigned long long)game.next_seq);
		if (game.next_span)
			fail_msg("half of record %llu", (unsigned long long)game.next_seq);
		game.next_seq++;
	}
}

static void check_order(void)
{
	for (; game.checked < game.given_count; game.checked++) {
		const struct model_given *g = &game.given[game.checked];

		step_over(g->seq);
		assert_int_equal(g->seq, game.next_seq);
		assert_int_equal(g->first, game.next_span);
		game.next_span += g->count;
		assert_true(game.next_span <= game.records[g->seq].spans);
		if (game.next_span < game.records[g->seq].spans)
			continue;
		game.next_seq++;
		game.next_span = 0;
	}
}

static void check(void)
{
	uint64_t cursor = lane_cursor(&game.log, "fake").seq;

	pthread_mutex_lock(&game.lock);
	for (uint64_t seq = 0; seq < toll_journal_begin(game.log.journal).seq; seq++)
		game.records[seq].may_be_missed = true;
	check_order();
	assert_true(cursor <= lowest_open() || game.records[lowest_open()].may_be_missed);
	pthread_mutex_unlock(&game.lock);
}

static void check_waiters(void)
{
	for (uint64_t seq = 0; seq < game.count; seq++) {
		const struct model_record *r = &game.records[seq];

		assert_int_equal(r->waiter.calls, 1);
		if (r->waiter.err == 0 && r->sent != bits(0, r->spans))
			fail_msg("record %llu: a wrong OK", (unsigned long long)seq);
	}
}

/* ---- what happens ---- */

static void waiter_done(struct toll_waiter *w, int err)
{
	struct model_waiter *m = toll_container_of(w, struct model_waiter, super);

	atomic_store(&m->err, err);
	atomic_fetch_add(&m->calls, 1);
}

static void append(unsigned groups)
{
	for (; groups; groups--) {
		for (unsigned n = 1 + chance_below(&game.main, 3); n && game.count < RECORDS; n--) {
			uint32_t spans = 1 + chance_below(&game.main, 8);
			struct model_record *r = &game.records[game.count];

			r->spans = spans;
			r->waiter.super.done = waiter_done;
			pthread_mutex_lock(&game.lock);
			game.count++;
			pthread_mutex_unlock(&game.lock);
			if (lane_append(&game.log, lane_batch(spans, (game.count - 1) * SPACE),
			                &r->waiter.super) < 0)
				abort();
		}
		toll_journal_sync_once(game.log.journal);
	}
}

static void admit(void)
{
	struct toll_batch *b = fake_batch_from(1 + chance_below(&game.main, 5), PLAIN);

	toll_batch_seal(b);
	if (!toll_runner_reserve(game.runner, b))
		toll_runner_commit(game.runner, b, NULL);
	toll_batch_unref(b);
}

/* The disk does not read for some calls; nothing is appended meanwhile. */
static void trouble(void)
{
	struct disk *d = &game.log.disk;

	pthread_mutex_lock(&d->lock);
	d->fail_from = d->calls + 1;
	d->fail_to = d->calls + 1 + chance_below(&game.main, 2);
	pthread_mutex_unlock(&d->lock);
	usleep(200);
	pthread_mutex_lock(&d->lock);
	d->fail_from = d->fail_to = 0;
	pthread_mutex_unlock(&d->lock);
}

/* Not near the end, which a start would take for a torn write. */
static void damage(void)
{
	struct disk *d = &game.log.disk;
	const uint64_t seq = chance_below(&game.main, (uint32_t)game.count + 1);
	const uint64_t id[2] = { seq * SPACE + 1, LANE_TRACE };

	if (seq + 12 >= game.count)
		return;
	pthread_mutex_lock(&game.lock);
	game.records[seq].may_be_missed = true;
	pthread_mutex_unlock(&game.lock);
	pthread_mutex_lock(&d->lock);
	for (int f = 0; f < d->file_count; f++)
		for (size_t at = 0; at + sizeof(id) <= d->files[f].size; at += 1)
			if (memcmp(d->files[f].bytes + at, id, sizeof(id)) == 0)
				d->files[f].bytes[at + 9] ^= 0x40;
	pthread_mutex_unlock(&d->lock);
}

/* ---- lives ---- */

static void begin_life(uint64_t from)
{
	pthread_mutex_lock(&game.lock);
	check_order();
	game.over = false;
	game.next_seq = from;
	game.next_span = 0;
	for (uint64_t seq = from; seq < game.count; seq++)
		game.records[seq].done = 0;
	if (game.durable > from) /* what it has not told yet is as good as not done */
		game.durable = from;
	pthread_mutex_unlock(&game.lock);
}

static void make_runner(void)
{
	game.runner = toll_runner_new(&game.exporter, &game.set);
	assert_non_null(game.runner);
	game.log.target_count = 0;
	lane_follow(&game.log, game.runner);
}

static void start(void)
{
	make_runner();
	begin_life(lane_cursor(&game.log, "fake").seq);
	assert_int_equal(toll_runner_start(game.runner), 0);
}

static void end(uint64_t patience, unsigned late)
{
	toll_runner_hurry(game.runner);
	toll_runner_dismiss(game.runner);
	append(late); /* by requests on their way */
	toll_runner_drain(game.runner, toll_clock_mono_ns() + patience);
	check();
	pthread_mutex_lock(&game.lock);
	game.over = true;
	pthread_mutex_unlock(&game.lock);
	while (game.held_count)
		answer_one(&game.main);
	game.runner = toll_runner_free(game.runner);
}

static void restart(void)
{
	end(chance_below(&game.main, 3) * TOLL_MS, chance_below(&game.main, 2));
	game.log.target_count = 0;
	if (chance_one_in(&game.main, 2)) {
		struct toll_journal_settings set = game.log.set;

		assert_int_equal(toll_journal_close(game.log.journal, 0), 0);
		lane_open(&game.log, set);
		game.log.spool.memory = &game.memory;
	}
	start();
}

static void reload(void)
{
	struct toll_runner *old = game.runner;

	make_runner();
	toll_runner_hold(game.runner);
	assert_int_equal(toll_runner_start(game.runner), 0);
	append(chance_below(&game.main, 3));
	toll_runner_hurry(old);
	append(chance_below(&game.main, 3));
	answer_one(&game.main);
	toll_runner_set_heir(old, game.runner);
	toll_runner_drain(old, toll_clock_mono_ns() + chance_below(&game.main, 3) * TOLL_MS);
	check();
	pthread_mutex_lock(&game.lock);
	game.over = true;
	pthread_mutex_unlock(&game.lock);
	while (game.held_count)
		answer_one(&game.main);
	toll_runner_free(old);
	begin_life(lane_cursor(&game.log, "fake").seq);
	toll_runner_release(game.runner);
}

static void move(void)
{
	switch (chance_below(&game.main, 24)) {
	case 0:
		restart();
		break;
	case 1:
		reload();
		break;
	case 2:
		trouble();
		break;
	case 3:
		damage();
		break;
	case 4:
	case 5:
		admit();
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		append(1 + chance_below(&game.main, 3));
		break;
	case 10:
		usleep(100);
		break;
	default:
		answer_one(&game.main);
	}
	check();
}

static void set_up_game(uint64_t seed)
{
	struct toll_journal_settings set = small_journal(NULL);
	struct toll_queue_settings *q = &game.set.sending_queue;
	struct chance *c = &game.main;

	memset(&game, 0, sizeof(game));
	pthread_mutex_init(&game.lock, NULL);
	game.main.state = seed * 1000003;
	game.chance.state = seed * 1000033;
	*q = (struct toll_queue_settings){ .enabled = true,
		                           .num_consumers = 1 + chance_below(c, 4),
		                           .queue_size = 1 + chance_below(c, 10),
		                           .sizer = (int)chance_below(c, 2) };
	q->batch = (struct toll_batch_settings){ chance_one_in(c, 2), TOLL_MS,
		                                 1 + chance_below(c, 9), 0 };
	if (chance_one_in(c, 2))
		q->batch.max_size = q->batch.min_size;
	game.set.retry_on_failure = (struct toll_retry_settings){ .enabled = true,
		                                                  .initial_interval = TOLL_MS,
		                                                  .max_interval = TOLL_MS,
		                                                  .multiplier = 1 };
	game.exporter.super =
		(struct toll_component){ .id = { "fake", "", "fake" }, .who = "exporter/fake" };
	game.exporter.super.stats = &game.stats;
	game.exporter.export_parts = export_parts;
	if (chance_one_in(c, 3))
		game.exporter.durable_seq = durable_seq;
	disk_init(&game.log.disk);
	game.log.disk.fail_with = EACCES;
	set.max_bytes = 4 << 20;
	if (chance_one_in(c, 3)) {
		set.max_bytes = 48 << 10;
		set.policy = TOLL_JOURNAL_DROP_OLDEST;
	}
	lane_open(&game.log, set);
	if (chance_one_in(c, 2))
		atomic_store(&game.memory.limit, 256 << 10);
	game.log.spool.memory = &game.memory;
}

static void finish(void)
{
	pthread_mutex_lock(&game.lock);
	game.is_kind = true;
	pthread_mutex_unlock(&game.lock);
	end(0, 1);
	check_waiters();
	start();
	EVENTUALLY(lane_cursor(&game.log, "fake").seq == game.count);
	check();
	end(PATIENCE_NS, 0);
	for (uint64_t seq = 0; seq < game.count; seq++) {
		const struct model_record *r = &game.records[seq];

		if (!r->lost && !r->may_be_missed && r->sent != bits(0, r->spans))
			fail_msg("record %llu was not sent", (unsigned long long)seq);
	}
	assert_int_equal(toll_journal_close(game.log.journal, 0), 0);
	assert_int_equal(game.memory.used, 0);
	assert_int_equal(game.log.disk.opened, 0);
	disk_destroy(&game.log.disk);
	pthread_mutex_destroy(&game.lock);
}

static void play(uint64_t seed)
{
	set_up_game(seed);
	start();
	while (game.count < RECORDS - 16)
		move();
	finish();
}

static void whatever_happens(void **state TOLL_UNUSED)
{
	const char *wish = getenv("TOLL_LANE_ROUNDS"), *only = getenv("TOLL_LANE_SEED");
	uint64_t rounds = wish ? strtoull(wish, NULL, 10) : QUICK_ROUNDS;

	toll_log_set_sink(no_line, NULL);
	for (uint64_t seed = only ? strtoull(only, NULL, 10) : 1; seed <= rounds || only; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		play(seed);
		if (only)
			break;
	}
	toll_log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(whatever_happens) };

	return cmocka_run_group_tests_name("lane model", tests, NULL, NULL);
}
