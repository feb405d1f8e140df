/* SPDX-License-Identifier: Apache-2.0 */
/* journal_survey.h - a journal read from end to end: what is whole, and exactly what is not. */
#ifndef TOLL_CMD_JOURNAL_SURVEY_H
#define TOLL_CMD_JOURNAL_SURVEY_H

#include "cmd/spantoll/journal_verb.h"

enum toll_journal_why {
	TOLL_JOURNAL_DAMAGED = 0, /* its bytes are not what was written */
	TOLL_JOURNAL_NOT_OURS,    /* intact, and nothing that this program writes */
	TOLL_JOURNAL_NEWER,       /* intact, of a newer version */
	TOLL_JOURNAL_MISCOUNTED,  /* its spans or dollars are not what its head says */
};

const char *toll_journal_why_text(enum toll_journal_why why);

/* Records in a row. */
struct toll_journal_loss {
	struct toll_journal_mark begin, end;
	enum toll_journal_why why;
	const struct toll_peek_segment *segment; /* may be NULL */
};

#define TOLL_JOURNAL_LOSSES_MAX 1000 /* further ones are in the sum only */

struct toll_journal_survey {
	/* Each a number of records, spans and picodollars. */
	struct toll_journal_mark whole, lost;
	struct toll_journal_mark gone; /* removed by its process while it was read */
	struct toll_journal_loss *losses;
	size_t loss_count;
	struct toll_journal_mark *lost_of; /* of each segment */
	size_t heads_damaged;              /* segments, whose records may be whole */
	bool inexact;                      /* spans and dollars of the first loss are not known */
};

/* 0, or why it cannot be read. Release also after a failure. */
int toll_journal_survey(struct toll_peek *p, struct toll_journal_survey *ret) TOLL_MUST_CHECK;
void toll_journal_survey_release(struct toll_journal_survey *s);
/* Is every byte that matters as it was written? */
bool toll_journal_is_whole(const struct toll_peek *p, const struct toll_journal_survey *s);

#endif
