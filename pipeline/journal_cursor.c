/* SPDX-License-Identifier: Apache-2.0 */
/* journal_cursor.c - how far each user has come. */
#include <string.h>

#include "base/log.h"
#include "pipeline/journal_private.h"

bool toll_journal_lowest(struct toll_journal *j, bool saved, struct toll_journal_mark *ret)
{
	bool any = false;

	for (size_t i = 0; i < TOLL_JOURNAL_CURSORS_MAX; i++) {
		const struct toll_journal_cursor *c = &j->cursors[i];
		const struct toll_journal_mark *m = saved ? &c->saved : &c->mark;

		if (!c->used || (!saved && c->forgotten) || (any && m->seq >= ret->seq))
			continue;
		*ret = *m;
		any = true;
	}
	return any;
}

void toll_journal_drop_before(struct toll_journal *j, struct toll_journal_mark begin,
                              struct toll_journal_mark to)
{
	struct toll_journal_mark lowest = begin;

	if (toll_journal_lowest(j, false, &lowest) && lowest.seq < begin.seq)
		lowest = begin;
	if (lowest.seq < to.seq)
		toll_journal_mark_add(&j->stats.dropped, toll_journal_between(lowest, to));
	for (size_t i = 0; i < TOLL_JOURNAL_CURSORS_MAX; i++) {
		struct toll_journal_cursor *c = &j->cursors[i];

		if (!c->used || c->mark.seq >= to.seq)
			continue;
		toll_journal_mark_add(
			&c->dropped,
			toll_journal_between(c->mark.seq < begin.seq ? begin : c->mark, to));
		c->mark = to;
	}
}

/* The one of that name, else a free one. */
static struct toll_journal_cursor *find(struct toll_journal *j, const char *name)
{
	struct toll_journal_cursor *unused = NULL;

	for (size_t i = TOLL_JOURNAL_CURSORS_MAX; i-- > 0;) {
		struct toll_journal_cursor *c = &j->cursors[i];

		if (c->used && strcmp(c->name, name) == 0)
			return c;
		if (!c->used)
			unused = c;
	}
	return unused;
}

/* Where one begins that has not been there: under lock. */
static struct toll_journal_mark start_of(struct toll_journal *j)
{
	const struct toll_journal_cursor *lost = find(j, TOLL_JOURNAL_LOST);

	return lost && lost->used && !lost->forgotten ? lost->mark : j->end;
}

/* Under lock. NULL: there are too many. */
static struct toll_journal_cursor *claim(struct toll_journal *j, const char *name, bool *ret_fresh)
{
	struct toll_journal_cursor *c = find(j, name);

	*ret_fresh = c && (!c->used || c->forgotten);
	if (!c)
		return NULL;
	if (!c->used) {
		*c = (struct toll_journal_cursor){ .journal = j, .used = true };
		memcpy(c->name, name, strlen(name));
		c->mark = c->saved = start_of(j);
	} else if (c->forgotten) {
		c->mark = start_of(j);
		c->forgotten = c->durable = false;
	}
	c->claimed = true;
	return c;
}

int toll_journal_cursor(struct toll_journal *j, const char *name, struct toll_journal_cursor **ret)
{
	struct toll_journal_cursor *c;
	bool fresh, durable;
	int err;

	if (strlen(name) > TOLL_JOURNAL_NAME_MAX)
		return TOLL_ETOOBIG;
	pthread_mutex_lock(&j->lock);
	c = claim(j, name, &fresh);
	durable = c && c->durable;
	pthread_mutex_unlock(&j->lock);
	if (!c)
		return TOLL_EFULL;
	/* What is acknowledged from now on is for this one too, also after a crash. */
	err = durable ? 0 : toll_journal_checkpoint(j);
	if (err < 0 && fresh)
		toll_journal_forget(c);
	if (!err)
		*ret = c;
	return err;
}

struct toll_journal_cursor *toll_journal_cursor_at(struct toll_journal *j, unsigned i)
{
	struct toll_journal_cursor *found = NULL;

	pthread_mutex_lock(&j->lock);
	for (size_t k = 0; k < TOLL_JOURNAL_CURSORS_MAX && !found; k++)
		if (j->cursors[k].used && !j->cursors[k].forgotten && i-- == 0)
			found = &j->cursors[k];
	pthread_mutex_unlock(&j->lock);
	return found;
}

const char *toll_journal_cursor_name(const struct toll_journal_cursor *c)
{
	return c->name;
}

struct toll_journal_mark toll_journal_cursor_mark(struct toll_journal_cursor *c)
{
	struct toll_journal_mark m;

	pthread_mutex_lock(&c->journal->lock);
	m = c->mark;
	pthread_mutex_unlock(&c->journal->lock);
	return m;
}

bool toll_journal_cursor_claimed(struct toll_journal_cursor *c)
{
	bool claimed;

	pthread_mutex_lock(&c->journal->lock);
	claimed = c->claimed;
	pthread_mutex_unlock(&c->journal->lock);
	return claimed;
}

struct toll_journal_mark toll_journal_cursor_dropped(struct toll_journal_cursor *c)
{
	struct toll_journal_mark m;

	pthread_mutex_lock(&c->journal->lock);
	m = c->dropped;
	pthread_mutex_unlock(&c->journal->lock);
	return m;
}

void toll_journal_advance(struct toll_journal_cursor *c, struct toll_journal_mark to)
{
	pthread_mutex_lock(&c->journal->lock);
	if (to.seq > c->mark.seq)
		c->mark = to;
	pthread_mutex_unlock(&c->journal->lock);
}

void toll_journal_forget(struct toll_journal_cursor *c)
{
	pthread_mutex_lock(&c->journal->lock);
	c->forgotten = true;
	c->claimed = false;
	pthread_mutex_unlock(&c->journal->lock);
}
