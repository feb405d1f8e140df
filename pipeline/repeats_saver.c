/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats_saver.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/record.h"
#include "pipeline/record_format.h"
#include "pipeline/repeats_store.h"

/* 1.5 MB, more than a second brings; also what is given up at most. */
#define NOTED_MAX 65536

struct noted {
	struct toll_repeats_saved *at;
	size_t count, room;
	uint64_t cut; /* had no room */
	struct toll_journal_mark end;
};

struct toll_repeats_saver {
	struct toll_journal *journal;
	struct toll_journal_cursor *cursor;
	struct toll_repeats_store *store;
	const char *who;
	uint64_t interval_ns, patience_ns;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct toll_repeats_settings limits;
	struct noted noted;
	bool closing, limited;

	/* The thread's. */
	struct noted saving;
	uint64_t failing_since; /* 0: the disk is fine */
};

static uint32_t wall_s(void)
{
	return (uint32_t)(toll_clock_wall_ns() / TOLL_S);
}

/* ---- noting ---- */

static bool make_room(struct noted *n)
{
	size_t room = n->room ? 2 * n->room : 256;
	struct toll_repeats_saved *grown;

	if (n->count < n->room)
		return true;
	if (room > NOTED_MAX)
		return false;
	grown = realloc(n->at, room * sizeof(*n->at));
	if (!grown)
		return false;
	n->at = grown;
	n->room = room;
	return true;
}

static void note(struct noted *n, const uint64_t digest[2], uint32_t second,
                 struct toll_journal_mark end)
{
	n->end = end;
	if (!digest[0] && !digest[1])
		return;
	if (make_room(n))
		n->at[n->count++] = (struct toll_repeats_saved){ { digest[0], digest[1] }, second };
	else
		n->cut++;
}

void toll_repeats_saver_note(struct toll_repeats_saver *s, const uint64_t digest[2],
                             struct toll_journal_mark end)
{
	pthread_mutex_lock(&s->lock);
	if (!s->noted.end.seq)
		pthread_cond_signal(&s->changed);
	note(&s->noted, digest, wall_s(), end);
	pthread_mutex_unlock(&s->lock);
}

void toll_repeats_saver_limit(struct toll_repeats_saver *s,
                              const struct toll_repeats_settings *limits)
{
	pthread_mutex_lock(&s->lock);
	s->limits = *limits;
	s->limited = true;
	pthread_mutex_unlock(&s->lock);
}

/* ---- saving ---- */

static void reset(struct noted *n)
{
	n->count = 0;
	n->cut = 0;
	n->end = (struct toll_journal_mark){ 0 };
}

/* Puts what has been noted behind what is to be saved still. Under the lock. */
static void take_noted(struct toll_repeats_saver *s)
{
	struct noted swap = s->saving;

	if (!s->noted.end.seq)
		return;
	if (!s->saving.end.seq) {
		s->saving = s->noted;
		s->noted = swap;
	} else {
		for (size_t i = 0; i < s->noted.count; i++)
			note(&s->saving, s->noted.at[i].digest, s->noted.at[i].second,
			     s->noted.end);
		s->saving.cut += s->noted.cut;
		s->saving.end = s->noted.end;
	}
	reset(&s->noted);
}

static void let_go(struct toll_repeats_saver *s, uint64_t count, const char *why)
{
	TOLL_WARN(s->who,
	          "%llu request%s would count again if sent again after a restart: their digests "
	          "could not be saved: %s",
	          (unsigned long long)count, TOLL_PLURAL(count), why);
}

static int append(struct toll_repeats_saver *s)
{
	return s->saving.count ? toll_repeats_store_append(s->store, s->saving.at, s->saving.count,
	                                                   wall_s())
	                       : 0;
}

/* Done with it, one way or the other: then records may go. */
static void save(struct toll_repeats_saver *s, bool last)
{
	uint64_t now = toll_clock_mono_ns();
	int err = append(s);

	if (err && !s->failing_since)
		s->failing_since = now;
	if (err && !last && now - s->failing_since < s->patience_ns)
		return;
	if (err && !last)
		let_go(s, s->saving.count, toll_err_text(err));
	if (s->saving.cut)
		let_go(s, s->saving.cut, "too many at once");
	if (!err)
		s->failing_since = 0;
	if (!err || !last)
		toll_journal_advance(s->cursor, s->saving.end);
	reset(&s->saving);
}

/* Under the lock. */
static void wait_for_work(struct toll_repeats_saver *s)
{
	uint64_t until;

	while (!s->closing && !s->noted.end.seq && !s->saving.end.seq)
		toll_cond_wait_until(&s->changed, &s->lock, 0);
	until = toll_clock_mono_ns() + s->interval_ns;
	while (!s->closing && toll_cond_wait_until(&s->changed, &s->lock, until) == 0)
		continue;
}

static void *work(void *arg)
{
	struct toll_repeats_saver *s = arg;
	bool last = false;

	while (!last) {
		struct toll_repeats_settings limits;
		bool limited;

		pthread_mutex_lock(&s->lock);
		wait_for_work(s);
		take_noted(s);
		last = s->closing;
		limited = s->limited;
		limits = s->limits;
		s->limited = false;
		pthread_mutex_unlock(&s->lock);
		if (limited)
			toll_repeats_store_limit(s->store, (uint32_t)(limits.max_age / TOLL_S) + 1,
			                         limits.max_bytes);
		if (s->saving.end.seq)
			save(s, last);
	}
	return NULL;
}

/* ---- starting ---- */

struct loading {
	struct toll_repeats *repeats;
	uint64_t now_ms;
};

static void remember(const struct loading *l, const uint64_t digest[2], uint64_t wall_ms)
{
	uint64_t age_ms = wall_ms < l->now_ms ? l->now_ms - wall_ms : 0;

	if (digest[0] || digest[1])
		toll_repeats_remember(l->repeats, digest, age_ms * TOLL_MS);
}

static void loaded(void *ctx, const struct toll_repeats_saved *e)
{
	remember(ctx, e->digest, (uint64_t)e->second * 1000);
}

/* What cannot be read is nothing to count: exporters tell of it. */
static int read_journal(struct toll_repeats_saver *s, const struct loading *l)
{
	struct toll_journal_mark from = toll_journal_cursor_mark(s->cursor);
	struct toll_journal_reader *reader;
	struct toll_journal_record r;
	int what = toll_journal_reader_new(s->journal, from, &reader);

	if (what < 0)
		return what;
	while ((what = toll_journal_read(reader, &r)) > TOLL_JOURNAL_END) {
		struct toll_record_head head;

		if (what == TOLL_JOURNAL_RECORD && r.type == TOLL_RECORD_BATCH &&
		    toll_record_head_read(r.payload, &head) == 0) {
			remember(l, head.digest, head.received_wall_ms);
			note(&s->saving, head.digest, (uint32_t)(head.received_wall_ms / 1000),
			     r.end);
		}
		s->saving.end = r.end;
	}
	toll_journal_reader_free(reader);
	return what;
}

static int load(struct toll_repeats_saver *s, struct toll_repeats *repeats)
{
	struct loading l = { repeats, toll_clock_wall_ms() };
	struct toll_repeats_counts n;
	uint64_t damaged = 0;
	int err = toll_repeats_store_load(s->store, loaded, &l, &damaged);

	if (!err)
		err = read_journal(s, &l);
	if (damaged)
		TOLL_WARN(s->who,
		          "%llu block%s of the requests known from before cannot be read: those "
		          "count again if they are sent again",
		          (unsigned long long)damaged, TOLL_PLURAL(damaged));
	toll_repeats_count(repeats, &n);
	if (n.known)
		TOLL_INFO(s->who, "knows requests of before: count=%llu",
		          (unsigned long long)n.known);
	return err;
}

static void saver_free(struct toll_repeats_saver *s)
{
	toll_repeats_store_free(s->store);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s->noted.at);
	free(s->saving.at);
	free(s);
}

static int open_store(struct toll_repeats_saver *s, struct toll_journal_io *take_io,
                      struct toll_repeats **ret)
{
	uint64_t seed;
	int err = toll_repeats_store_open(take_io, toll_repeats_seed(), &seed, &s->store);

	if (err)
		return err;
	toll_repeats_store_limit(s->store, (uint32_t)(s->limits.max_age / TOLL_S) + 1,
	                         s->limits.max_bytes);
	*ret = toll_repeats_new(seed);
	if (!*ret)
		return TOLL_ENOMEM;
	toll_repeats_limit(*ret, s->limits.max_age, s->limits.max_bytes);
	return 0;
}

static struct toll_repeats_saver *saver_new(const struct toll_repeats_saver_settings *set)
{
	struct toll_repeats_saver *s = calloc(1, sizeof(*s));

	if (!s || toll_cond_init(&s->changed) < 0) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->journal = set->journal;
	s->who = set->who;
	s->limits = set->limits;
	s->interval_ns = set->interval_ns;
	s->patience_ns = set->patience_ns;
	return s;
}

int toll_repeats_saver_open(const struct toll_repeats_saver_settings *set,
                            struct toll_repeats_saver **ret, struct toll_repeats **ret_repeats,
                            struct toll_error *reterr)
{
	struct toll_repeats_saver *s = saver_new(set);
	struct toll_repeats *repeats = NULL;
	int err;

	if (!s) {
		set->io->release(set->io);
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	err = open_store(s, set->io, &repeats);
	if (!err)
		err = toll_journal_cursor(s->journal, set->cursor, &s->cursor);
	if (!err)
		err = load(s, repeats);
	if (!err)
		err = toll_thread_start(&s->thread, "toll-repeats", work, s);
	if (err) {
		toll_repeats_free(repeats);
		saver_free(s);
		return toll_fail(reterr, err, "requests known from before: %s", toll_err_text(err));
	}
	*ret = s;
	*ret_repeats = repeats;
	return 0;
}

int toll_repeats_saver_close(struct toll_repeats_saver *s, uint64_t deadline_mono_ns)
{
	int err;

	if (!s)
		return 0;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	err = toll_thread_join_until(s->thread, deadline_mono_ns);
	if (!err)
		saver_free(s);
	return err;
}
