/* SPDX-License-Identifier: Apache-2.0 */
/* journal_checkpoint.c - where the cursors stand, on disk.
 *
 * One file of two slots, written in turn: the other one stays as it was until this one is durable.
 * In place, because it must work when the disk is full: only then segments can go. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "pipeline/journal_private.h"

#define NAME       "checkpoint"
#define BEING_MADE "checkpoint.new"

static uint64_t slot_of(uint64_t generation)
{
	return generation % 2 * TOLL_JOURNAL_SLOT;
}

static int write_slot(struct toll_journal *j, int file)
{
	struct iovec iov = { j->slot, sizeof(j->slot) };
	int err;

	toll_journal_slot_write(&j->next, j->slot);
	err = toll_journal_write_all(j->io, file, &iov, 1, slot_of(j->next.generation));
	return err < 0 ? err : j->io->datasync(j->io, file);
}

/* The newer one of the two into j->saved. */
static int read_slots(struct toll_journal *j, int file)
{
	int found = TOLL_EINVALID;

	for (uint64_t i = 0; i < 2 && found != TOLL_EUNSUPPORTED; i++) {
		int err = TOLL_EINVALID;

		if (toll_journal_read_all(j->io, file, j->slot, sizeof(j->slot), slot_of(i)) ==
		    (ssize_t)sizeof(j->slot))
			err = toll_journal_slot_read(j->slot, &j->next);
		if (err == TOLL_EUNSUPPORTED)
			found = err;
		if (err < 0 || (!found && j->next.generation < j->saved.generation))
			continue;
		j->saved = j->next;
		found = 0;
	}
	return found;
}

int toll_journal_checkpoint_load(struct toll_journal *j)
{
	int err, file = j->io->open(j->io, NAME, TOLL_JOURNAL_OPEN_UPDATE);

	if (file < 0)
		return file == -ENOENT ? TOLL_EINVALID : toll_journal_error(file);
	err = read_slots(j, file);
	/* Once more, and all names: what is found may be in the page cache only, where a sync has
	 * failed for it, and would be taken for durable. */
	j->next = j->saved;
	if (!err)
		err = toll_journal_error(write_slot(j, file));
	if (!err)
		err = toll_journal_error(j->io->sync_directory(j->io));
	if (err < 0)
		j->io->close(j->io, file);
	else
		j->checkpoint = file;
	return err;
}

int toll_journal_checkpoint_make(struct toll_journal *j)
{
	int err, file = j->io->open(j->io, BEING_MADE, TOLL_JOURNAL_OPEN_NEW);

	if (file < 0)
		return toll_journal_error(file);
	j->next = j->saved;
	j->next.generation++;
	err = j->io->allocate(j->io, file, UINT64_C(2) * TOLL_JOURNAL_SLOT);
	if (!err)
		err = write_slot(j, file);
	if (!err)
		err = j->io->rename(j->io, BEING_MADE, NAME);
	if (!err)
		err = j->io->sync_directory(j->io);
	if (err < 0) {
		j->io->close(j->io, file);
		return toll_journal_error(err);
	}
	j->saved = j->next;
	j->checkpoint = file;
	return 0;
}

static bool same(const struct toll_journal_checkpoint *a, const struct toll_journal_checkpoint *b)
{
	if (a->end.seq != b->end.seq || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->cursors[i].mark.seq != b->cursors[i].mark.seq ||
		    strcmp(a->cursors[i].name, b->cursors[i].name) != 0)
			return false;
	return true;
}

/* What is to be saved. False: nothing has changed. */
static bool collect(struct toll_journal *j, bool anyway)
{
	struct toll_journal_checkpoint *c = &j->next;

	*c = (struct toll_journal_checkpoint){ .id = j->id,
		                               .generation = j->saved.generation,
		                               .end = j->end };
	for (size_t i = 0; i < TOLL_JOURNAL_CURSORS_MAX; i++) {
		if (!j->cursors[i].used || j->cursors[i].forgotten)
			continue;
		memcpy(c->cursors[c->count].name, j->cursors[i].name, sizeof(c->cursors[0].name));
		c->cursors[c->count++].mark = j->cursors[i].mark;
	}
	if (!anyway && same(c, &j->saved))
		return false;
	c->generation++;
	return true;
}

static const struct toll_journal_saved *saved_of(const struct toll_journal *j, const char *name)
{
	for (uint32_t i = 0; i < j->saved.count; i++)
		if (strcmp(j->saved.cursors[i].name, name) == 0)
			return &j->saved.cursors[i];
	return NULL;
}

/* The cursors may have moved on, or have come, since they were collected. */
static void note_saved(struct toll_journal *j)
{
	for (size_t i = 0; i < TOLL_JOURNAL_CURSORS_MAX; i++) {
		struct toll_journal_cursor *c = &j->cursors[i];
		const struct toll_journal_saved *s = c->used ? saved_of(j, c->name) : NULL;

		c->durable = s != NULL;
		if (s)
			c->saved = s->mark;
		else if (c->forgotten)
			c->used = c->forgotten = false;
	}
}

/* anyway: also where nothing has changed. */
static int save(struct toll_journal *j, bool anyway)
{
	bool changed;
	int err = 0;

	pthread_mutex_lock(&j->saving);
	pthread_mutex_lock(&j->lock);
	changed = collect(j, anyway);
	pthread_mutex_unlock(&j->lock);
	if (changed) {
		/* After a failure the same slot again: the other one is the good one. */
		err = toll_journal_error(write_slot(j, j->checkpoint));
		if (!err)
			j->saved = j->next;
		pthread_mutex_lock(&j->lock);
		if (!err)
			note_saved(j);
		else
			j->stats.failed_syncs++;
		pthread_mutex_unlock(&j->lock);
	}
	pthread_mutex_unlock(&j->saving);
	if (err < 0)
		TOLL_WARN(j->set.who, "cursors not saved, segments stay: %s",
		          toll_journal_why(err));
	return err;
}

int toll_journal_checkpoint(struct toll_journal *j)
{
	return save(j, false);
}

int toll_journal_checkpoint_both(struct toll_journal *j)
{
	int err = save(j, true);

	return err < 0 ? err : save(j, true);
}
