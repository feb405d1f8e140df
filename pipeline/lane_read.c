/* SPDX-License-Identifier: Apache-2.0 */
/* lane_read.c - what a lane reads from the journal's files. */
#include "pipeline/lane.h"
#include "pipeline/spool.h"

void toll_lane_close(struct toll_lane *l)
{
	l->reader = toll_journal_reader_free(l->reader);
	l->has_record = false;
}

int toll_lane_fetch(struct toll_lane *l, struct toll_journal_mark next)
{
	int got;

	while (!l->has_record) {
		if (!l->reader) {
			got = toll_journal_reader_new(l->spool->journal, next, &l->reader);
			if (got < 0)
				return got;
		}
		got = toll_journal_read(l->reader, &l->record);
		if (got < 0)
			return got;
		if (got == TOLL_JOURNAL_END) /* there was something */
			return TOLL_EDOWN;
		l->is_gap = got == TOLL_JOURNAL_GAP;
		l->has_record = l->record.end.seq > next.seq;
	}
	return 0;
}
