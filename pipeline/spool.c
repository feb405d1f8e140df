/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/spool_private.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/host.h"

/* For the last group and checkpoint of a journal that is closed: a disk that hangs must not keep
 * the loop. */
#define CLOSE_NS (2 * TOLL_S)

/* What the host keeps for a directory. */
struct kept {
	struct toll_host *host;
	struct toll_spools *all;
	struct owned *owned; /* NULL: not open */
};

struct owned {
	struct toll_spool super;
	struct kept *kept;
	char *pipeline, *directory, *who;
	uint64_t segment_bytes, sync_interval_ns; /* as it was opened */
	pthread_mutex_t lock;                     /* guards entered */
	pthread_cond_t left;
	uint64_t entered;
};

/* ---- one ---- */

static struct owned *owned_free(struct owned *o)
{
	if (!o)
		return NULL;
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->left);
	free(o->pipeline);
	free(o->directory);
	free(o->who);
	free(o);
	return NULL;
}

static struct owned *owned_new(struct toll_host *h, const char *path, const char *pipeline)
{
	struct owned *o = calloc(1, sizeof(*o));

	if (!o || toll_cond_init(&o->left) < 0) {
		free(o);
		return NULL;
	}
	pthread_mutex_init(&o->lock, NULL);
	o->pipeline = strdup(pipeline);
	o->directory = strdup(path);
	if (asprintf(&o->who, "journal/%s", pipeline) < 0)
		o->who = NULL;
	if (!o->pipeline || !o->directory || !o->who)
		return owned_free(o);
	o->super.pipeline = o->pipeline;
	o->super.directory = o->directory;
	o->super.who = o->who;
	o->super.memory = toll_host_memory(h);
	return o;
}

/* What the journal says, and what to do about it. */
static int explain(int err, const char *path, const struct toll_error *why,
                   struct toll_error *reterr)
{
	const char *fix = "";

	if (err == TOLL_EREFUSED)
		fix = ": stop the other daemon, or give each a directory of its own";
	else if (err == TOLL_EUNSUPPORTED)
		fix = ": run that version until all is delivered, or choose another directory";
	if (strstr(why->text, path))
		return toll_fail(reterr, err, "%s%s", why->text, fix);
	return toll_fail(reterr, err, "the journal in %s: %s%s", path,
	                 why->text[0] ? why->text : toll_err_text(err), fix);
}

static void tell_opened(const struct toll_spool *s)
{
	struct toll_journal_stats now;
	uint64_t records;

	toll_journal_stats(s->journal, &now);
	records = now.end.seq - now.begin.seq;
	TOLL_INFO(s->who, "open directory=%s epoch=%s bytes=%llu records=%llu", s->directory,
	          toll_journal_epoch(s->journal), (unsigned long long)now.bytes,
	          (unsigned long long)records);
}

static int open_one(struct kept *k, struct toll_host *h, const struct toll_storage *st,
                    const char *path, const char *pipeline, struct toll_error *reterr)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(NULL, NULL);
	struct owned *o = owned_new(h, path, pipeline);
	struct toll_error why = { 0 };
	int err;

	if (!o)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	set.directory = o->directory;
	set.who = o->who;
	set.max_bytes = o->super.max_bytes = st->max_bytes;
	set.segment_bytes = o->segment_bytes = st->segment_bytes;
	set.sync_interval_ns = o->sync_interval_ns = st->sync_interval_ns;
	set.policy = st->policy;
	set.io = st->io;
	set.by_hand = st->by_hand;
	err = toll_journal_open(&set, &o->super.journal, &why);
	if (err < 0) {
		owned_free(o);
		return explain(err, path, &why, reterr);
	}
	o->kept = k;
	k->owned = o;
	toll_spools_add(k->all, &o->super);
	tell_opened(&o->super);
	return 0;
}

/* What hangs in the disk uses the journal and its strings: they stay then. */
static void close_one(struct kept *k)
{
	struct owned *o = k->owned;
	uint64_t deadline = toll_clock_mono_ns() + CLOSE_NS;

	toll_spools_remove(k->all, &o->super);
	toll_spool_tell_waiting(&o->super);
	if (toll_spool_close_repeats(&o->super, deadline) == 0 &&
	    toll_journal_close(o->super.journal, deadline) == 0)
		owned_free(o);
	k->owned = NULL;
}

static void release_kept(void *state)
{
	struct kept *k = state;

	if (k->owned)
		close_one(k);
	toll_spools_let_go(k->host, k->all);
}

static struct kept *keep(struct toll_host *h, const char *path)
{
	struct kept *k = toll_host_keep(h, "spool", path, sizeof(*k), release_kept);

	if (!k || k->all)
		return k;
	k->host = h;
	k->all = toll_spools_get(h);
	if (!k->all) {
		toll_host_let_go(h, k);
		return NULL;
	}
	return k;
}

static int open_at(struct toll_host *h, const struct toll_storage *st, const char *path,
                   const char *pipeline, struct toll_spool **ret, struct toll_error *reterr)
{
	struct kept *k = keep(h, path);
	int err = 0;

	if (!k)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (!k->owned)
		err = open_one(k, h, st, path, pipeline, reterr);
	if (err < 0) {
		toll_host_let_go(h, k);
		return err;
	}
	*ret = &k->owned->super;
	return 0;
}

int toll_spool_open(struct toll_host *h, const struct toll_storage *st, const char *pipeline,
                    struct toll_spool **ret, struct toll_error *reterr)
{
	char *path = toll_spool_path(st->directory, pipeline);
	int err;

	if (!path)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = open_at(h, st, path, pipeline, ret, reterr);
	free(path);
	return err;
}

/* ---- what is on its way ---- */

static struct owned *owned_of(struct toll_spool *s)
{
	return toll_container_of(s, struct owned, super);
}

void toll_spool_enter(struct toll_spool *s)
{
	struct owned *o = owned_of(s);

	pthread_mutex_lock(&o->lock);
	o->entered++;
	pthread_mutex_unlock(&o->lock);
}

void toll_spool_leave(struct toll_spool *s)
{
	struct owned *o = owned_of(s);

	pthread_mutex_lock(&o->lock);
	if (--o->entered == 0)
		pthread_cond_broadcast(&o->left);
	pthread_mutex_unlock(&o->lock);
}

int toll_spool_settle(struct toll_spool *s, uint64_t deadline_mono_ns)
{
	struct owned *o = owned_of(s);
	int err = 0;

	pthread_mutex_lock(&o->lock);
	while (o->entered && !err)
		err = toll_cond_wait_until(&o->left, &o->lock,
		                           deadline_mono_ns ? deadline_mono_ns : 1);
	err = o->entered ? TOLL_ETIMEOUT : 0;
	pthread_mutex_unlock(&o->lock);
	return err;
}

/* ---- limits ---- */

void toll_spool_limit(struct toll_spool *s, const struct toll_storage *st)
{
	struct owned *o = owned_of(s);

	toll_spools_set_size(o->kept->all, s, st->max_bytes);
	toll_journal_limit(s->journal, st->max_bytes, st->policy);
	if (o->segment_bytes != st->segment_bytes || o->sync_interval_ns != st->sync_interval_ns)
		TOLL_WARN(s->who, "segment_size and sync_interval change with the next start");
}

/* ---- the end ---- */

struct toll_spool *toll_spool_let_go(struct toll_host *h, struct toll_spool *s)
{
	if (s)
		toll_host_let_go(h, owned_of(s)->kept);
	return NULL;
}
