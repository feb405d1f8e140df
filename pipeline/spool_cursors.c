/* SPDX-License-Identifier: Apache-2.0 */
/* spool_cursors.c - what a journal still holds for whom, for the log; and for nobody any more. */
#include <string.h>

#include "base/log.h"
#include "pipeline/lost.h"
#include "pipeline/spool_private.h"

void toll_spool_tell_waiting(const struct toll_spool *s)
{
	struct toll_journal_mark end = toll_journal_end(s->journal), lowest = end;
	struct toll_journal_cursor *c;
	struct toll_lost left;
	char dollars[TOLL_LOST_TEXT];

	for (unsigned i = 0; (c = toll_journal_cursor_at(s->journal, i)) != NULL; i++) {
		struct toll_journal_mark at = toll_journal_cursor_mark(c);

		if (at.seq < lowest.seq &&
		    strcmp(toll_journal_cursor_name(c), TOLL_SPOOL_REPEATS) != 0)
			lowest = at;
	}
	left = (struct toll_lost){ end.items - lowest.items, (uint64_t)(end.pico - lowest.pico) };
	if (left.spans)
		TOLL_INFO(s->who, "closed: %llu span%s worth %s wait in %s",
		          (unsigned long long)left.spans, TOLL_PLURAL(left.spans),
		          toll_lost_dollars(&left, dollars), s->directory);
}

/* ---- cursors that nobody wants ---- */

static void tell_forgotten(const struct toll_spool *s, struct toll_journal_cursor *c)
{
	struct toll_journal_mark end = toll_journal_end(s->journal);
	struct toll_journal_mark at = toll_journal_cursor_mark(c);
	struct toll_lost left = { end.items - at.items, (uint64_t)(end.pico - at.pico) };
	char dollars[TOLL_LOST_TEXT];

	if (end.seq == at.seq)
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
