/* SPDX-License-Identifier: Apache-2.0 */
/* journal_files.c - segments begin, end, go, and come again as the spare.
 *
 * A new segment is written under the name "spare" and gets its own when its first group is durable:
 * a segment that has its name is whole. One that all have passed becomes the spare: its blocks are
 * there and written, which makes every sync into them cheaper. */
#include <string.h>

#include "base/log.h"
#include "pipeline/journal_private.h"

uint64_t toll_journal_bytes(struct toll_journal *j)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < j->segment_count; i++)
		bytes += j->segments[i]->file_bytes;
	return bytes;
}

int toll_journal_segment_room(struct toll_journal *j)
{
	size_t room = j->segment_room ? j->segment_room * 2 : 16;
	struct toll_journal_segment **larger;

	if (j->segment_count < j->segment_room)
		return 0;
	larger = j->io->alloc(j->io, room * sizeof(void *));
	if (!larger)
		return TOLL_ENOMEM;
	if (j->segment_count)
		memcpy(larger, j->segments, j->segment_count * sizeof(void *));
	j->io->free(j->io, j->segments);
	j->segments = larger;
	j->segment_room = room;
	return 0;
}

void toll_journal_spare_discard(struct toll_journal *j)
{
	if (j->spare < 0)
		return;
	j->io->close(j->io, j->spare);
	j->io->unlink(j->io, TOLL_JOURNAL_SPARE);
	pthread_mutex_lock(&j->lock);
	j->spare = -1;
	pthread_mutex_unlock(&j->lock);
}

static void set_spare(struct toll_journal *j, int file)
{
	pthread_mutex_lock(&j->lock);
	j->spare = file;
	pthread_mutex_unlock(&j->lock);
}

/* What nobody reads and nothing needs. It keeps its place on disk where a spare is wanted. */
static void remove_first(struct toll_journal *j)
{
	char name[TOLL_JOURNAL_SEGMENT_NAME];
	struct toll_journal_segment *s;
	int file = -1;
	bool again, read;

	pthread_mutex_lock(&j->lock);
	s = j->segments[0];
	memmove(j->segments, j->segments + 1, --j->segment_count * sizeof(void *));
	s->gone = true;
	read = s->readers > 0;
	again = !read && j->spare < 0 && s->file_bytes == j->set.segment_bytes;
	toll_journal_segment_name(s->begin.seq, name);
	pthread_mutex_unlock(&j->lock);
	if (!read)
		j->io->free(j->io, s);
	/* Durable before it is written to: no crash may bring back the old name with new bytes. */
	if (again && j->io->rename(j->io, name, TOLL_JOURNAL_SPARE) == 0) {
		if (j->io->sync_directory(j->io) == 0)
			file = j->io->open(j->io, TOLL_JOURNAL_SPARE, TOLL_JOURNAL_OPEN_UPDATE);
		if (file >= 0)
			set_spare(j, file);
		else
			j->io->unlink(j->io, TOLL_JOURNAL_SPARE);
		return;
	}
	j->io->unlink(j->io, name);
}

/* Only behind a checkpoint that passes it. */
static bool drop_oldest(struct toll_journal *j)
{
	struct toll_journal_segment *s = NULL;

	pthread_mutex_lock(&j->lock);
	if (j->segment_count)
		s = j->segments[0];
	if (s)
		toll_journal_drop_before(j, s->begin, s->end);
	pthread_mutex_unlock(&j->lock);
	if (!s || toll_journal_checkpoint(j) < 0)
		return false;
	remove_first(j);
	return true;
}

static bool over_cap(struct toll_journal *j)
{
	bool over;

	pthread_mutex_lock(&j->lock);
	over = toll_journal_bytes(j) + j->set.segment_bytes > j->set.max_bytes;
	pthread_mutex_unlock(&j->lock);
	return over;
}

static bool may_drop_oldest(struct toll_journal *j)
{
	bool may;

	pthread_mutex_lock(&j->lock);
	may = j->set.policy == TOLL_JOURNAL_DROP_OLDEST;
	pthread_mutex_unlock(&j->lock);
	return may;
}

static int allocate_spare(struct toll_journal *j)
{
	int err, file = j->io->open(j->io, TOLL_JOURNAL_SPARE, TOLL_JOURNAL_OPEN_NEW);

	if (file < 0)
		return toll_journal_error(file);
	set_spare(j, file);
	err = j->io->allocate(j->io, file, j->set.segment_bytes);
	if (!err)
		err = j->io->datasync(j->io, file);
	if (err < 0)
		toll_journal_spare_discard(j);
	return toll_journal_error(err);
}

/* The only segment, where all are past it: what is there when others have filled the disk. Then
 * the checkpoint alone knows how far the log has come, so both of its slots do. */
static bool remove_only(struct toll_journal *j)
{
	struct toll_journal_mark lowest;
	bool passed;

	pthread_mutex_lock(&j->lock);
	passed = j->segment_count == 1 && toll_journal_lowest(j, true, &lowest) &&
	         j->segments[0]->end.seq <= lowest.seq;
	pthread_mutex_unlock(&j->lock);
	if (!passed || toll_journal_checkpoint_both(j) < 0)
		return false;
	remove_first(j);
	return true;
}

int toll_journal_spare_make(struct toll_journal *j, bool may_drop)
{
	int err;

	while (j->spare < 0 && over_cap(j)) {
		if (may_drop && toll_journal_remove_passed(j))
			continue;
		if (!may_drop || !may_drop_oldest(j) || !drop_oldest(j))
			return TOLL_EFULL;
	}
	if (j->spare >= 0)
		return 0;
	err = allocate_spare(j);
	if (err == TOLL_EFULL && may_drop && remove_only(j))
		err = j->spare >= 0 ? 0 : allocate_spare(j);
	return err;
}

/* Names it and makes the name durable. */
static int name_spare(struct toll_journal *j, uint64_t first_seq)
{
	char name[TOLL_JOURNAL_SEGMENT_NAME];
	int err;

	toll_journal_segment_name(first_seq, name);
	err = j->io->rename(j->io, TOLL_JOURNAL_SPARE, name);
	if (err < 0)
		return toll_journal_error(err);
	err = j->io->sync_directory(j->io);
	if (err < 0)
		j->io->unlink(j->io, name);
	return toll_journal_error(err);
}

int toll_journal_spare_take(struct toll_journal *j, struct toll_journal_mark begin)
{
	struct toll_journal_segment *s = j->io->alloc(j->io, sizeof(*s));
	int err;

	if (!s)
		return TOLL_ENOMEM;
	*s = (struct toll_journal_segment){ .begin = begin,
		                            .end = begin,
		                            .file_bytes = j->set.segment_bytes,
		                            .used = TOLL_JOURNAL_BLOCK };
	pthread_mutex_lock(&j->lock);
	err = toll_journal_segment_room(j);
	pthread_mutex_unlock(&j->lock);
	if (!err)
		err = name_spare(j, begin.seq);
	if (err < 0) {
		j->io->free(j->io, s);
		return err;
	}
	j->active = s;
	j->active_file = j->spare;
	pthread_mutex_lock(&j->lock);
	j->segments[j->segment_count++] = s;
	j->spare = -1;
	pthread_mutex_unlock(&j->lock);
	return 0;
}

void toll_journal_seal(struct toll_journal *j, bool cut)
{
	struct toll_journal_segment *s = j->active;

	if (!s)
		return;
	j->active = NULL;
	/* Where a failed group stays after all, the next segment begins before it: it is void. */
	if (cut && j->io->truncate(j->io, j->active_file, s->used) == 0) {
		pthread_mutex_lock(&j->lock);
		s->file_bytes = s->used;
		pthread_mutex_unlock(&j->lock);
	}
	j->io->close(j->io, j->active_file);
	j->active_file = -1;
}

static bool first_is_passed(struct toll_journal *j)
{
	struct toll_journal_mark lowest;
	bool passed;

	pthread_mutex_lock(&j->lock);
	passed = j->segment_count > 1 && toll_journal_lowest(j, true, &lowest) &&
	         j->segments[0]->end.seq <= lowest.seq;
	pthread_mutex_unlock(&j->lock);
	return passed;
}

bool toll_journal_remove_passed(struct toll_journal *j)
{
	bool any = false;

	for (; first_is_passed(j); any = true)
		remove_first(j);
	return any;
}
