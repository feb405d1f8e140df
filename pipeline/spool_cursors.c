/* SPDX-License-Identifier: Apache-2.0 */
/* spool_cursors.c - what a journal still holds for whom, for the log; and for nobody any more. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pipeline/journal_peek.h"
#include "pipeline/lost.h"
#include "pipeline/spool_private.h"

/* What not all have that read it; digests are nobody's loss. */
static struct toll_lost waiting(struct toll_journal *j)
{
	struct toll_journal_mark end = toll_journal_end(j), lowest = end;
	struct toll_journal_cursor *c;

	for (unsigned i = 0; (c = toll_journal_cursor_at(j, i)) != NULL; i++) {
		struct toll_journal_mark at = toll_journal_cursor_mark(c);

		if (at.seq < lowest.seq &&
		    strcmp(toll_journal_cursor_name(c), TOLL_SPOOL_REPEATS) != 0)
			lowest = at;
	}
	return (struct toll_lost){ end.items - lowest.items, (uint64_t)(end.pico - lowest.pico) };
}

void toll_spool_tell_waiting(const struct toll_spool *s)
{
	struct toll_lost left = waiting(s->journal);
	char dollars[TOLL_LOST_TEXT];

	if (left.spans)
		TOLL_INFO(s->who, "closed: %llu span%s worth %s wait in %s",
		          (unsigned long long)left.spans, TOLL_PLURAL(left.spans),
		          toll_lost_dollars(&left, dollars), s->directory);
}

/* ---- journals of no pipeline ---- */

struct search {
	const char *path;
	bool open;
};

static void compare(void *ctx, const struct toll_spool *s)
{
	struct search *search = ctx;

	search->open |= strcmp(s->directory, search->path) == 0;
}

static void tell_orphan(struct toll_spools *all, const char *directory, const char *path)
{
	struct search search = { path, false };
	struct toll_error why = { 0 };
	struct toll_peek *peek;
	struct toll_lost left;
	char dollars[TOLL_LOST_TEXT];

	toll_spools_each(all, directory, compare, &search);
	if (search.open || toll_peek_open(path, &peek, &why) < 0)
		return;
	left = waiting(peek->journal);
	if (left.spans)
		TOLL_WARN("journal",
		          "%llu span%s worth %s wait in %s, and no pipeline here has that journal: "
		          "they stay there; spantoll journal export reads them",
		          (unsigned long long)left.spans, TOLL_PLURAL(left.spans),
		          toll_lost_dollars(&left, dollars), path);
	toll_peek_close(peek);
}

void toll_spools_tell_orphans(struct toll_spools *all, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *found;
	char *path;

	while (dir && (found = readdir(dir)) != NULL) {
		if (found->d_name[0] == '.' ||
		    asprintf(&path, "%s/%s", directory, found->d_name) < 0)
			continue;
		tell_orphan(all, directory, path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

/* ---- cursors that nobody wants ---- */

static void tell_forgotten(const struct toll_spool *s, struct toll_journal_cursor *c)
{
	struct toll_journal_mark end = toll_journal_end(s->journal);
	struct toll_journal_mark at = toll_journal_cursor_mark(c);
	struct toll_lost left = { end.items - at.items, (uint64_t)(end.pico - at.pico) };
	char dollars[TOLL_LOST_TEXT];

	if (!*toll_journal_cursor_name(c)) /* of a checkpoint that was lost: nobody's */
		TOLL_INFO(s->who, "all that follow it have a place in it again");
	else if (end.seq == at.seq)
		TOLL_INFO(s->who, "no exporter is called \"%s\" any more: it had taken everything",
		          toll_journal_cursor_name(c));
	else
		TOLL_WARN(s->who,
		          "no exporter is called \"%s\" any more: %llu span%s worth %s that it had "
		          "not taken are kept for it no longer",
		          toll_journal_cursor_name(c), (unsigned long long)left.spans,
		          TOLL_PLURAL(left.spans), toll_lost_dollars(&left, dollars));
}

void toll_spool_forget(struct toll_spool *s, bool (*wanted)(void *ctx, const char *cursor),
                       void *ctx)
{
	struct toll_journal_cursor *found[TOLL_JOURNAL_CURSORS_MAX];
	unsigned count = 0;

	while (count < TOLL_COUNT(found) &&
	       (found[count] = toll_journal_cursor_at(s->journal, count)) != NULL)
		count++;
	for (unsigned i = 0; i < count; i++) {
		if (wanted(ctx, toll_journal_cursor_name(found[i])))
			continue;
		tell_forgotten(s, found[i]);
		toll_journal_forget(found[i]);
	}
}
