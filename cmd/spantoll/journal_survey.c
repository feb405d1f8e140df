/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/journal_survey.h"

#include <stdlib.h>

#include "pipeline/record.h"

const char *toll_journal_why_text(enum toll_journal_why why)
{
	static const char *const texts[] = {
		[TOLL_JOURNAL_DAMAGED] = "damaged",
		[TOLL_JOURNAL_NOT_OURS] = "no batch of spans",
		[TOLL_JOURNAL_NEWER] = "of a newer version",
		[TOLL_JOURNAL_MISCOUNTED] = "not what its head says",
	};

	return texts[why];
}

static void add(struct toll_journal_mark *sum, struct toll_journal_mark more)
{
	sum->seq += more.seq;
	sum->items += more.items;
	sum->pico += more.pico;
}

/* Does it go on where the last one ended? */
static bool joins(const struct toll_journal_survey *s, const struct toll_journal_loss *loss)
{
	const struct toll_journal_loss *last = s->losses + s->loss_count - 1;

	return s->loss_count && last->end.seq == loss->begin.seq && last->why == loss->why &&
	       last->segment == loss->segment;
}

static void add_loss(const struct toll_peek *p, struct toll_journal_survey *s,
                     const struct toll_journal_record *r, enum toll_journal_why why)
{
	const struct toll_journal_mark worth = toll_journal_minus(r->end, r->begin);
	const struct toll_journal_loss loss = { r->begin, r->end, why,
		                                toll_peek_segment_of(p, r->begin.seq) };

	add(&s->lost, worth);
	if (loss.segment)
		add(&s->lost_of[loss.segment - p->segments], worth);
	if (joins(s, &loss))
		s->losses[s->loss_count - 1].end = loss.end;
	else if (s->loss_count < TOLL_JOURNAL_LOSSES_MAX)
		s->losses[s->loss_count++] = loss;
}

static bool agrees(const struct toll_batch *b, const struct toll_journal_record *r)
{
	const struct toll_journal_mark said = toll_journal_minus(r->end, r->begin);
	const struct toll_journal_mark is = toll_record_worth(b);

	return said.items == is.items && said.pico == is.pico;
}

static int check_record(const struct toll_peek *p, struct toll_journal_survey *s,
                        const struct toll_journal_record *r)
{
	struct toll_batch *b;
	int err = toll_record_decode(r, toll_journal_epoch(p->journal), NULL, &b);

	if (err == TOLL_ENOMEM)
		return err;
	if (err == TOLL_EUNSUPPORTED)
		add_loss(p, s, r, TOLL_JOURNAL_NEWER);
	else if (err)
		add_loss(p, s, r, TOLL_JOURNAL_NOT_OURS);
	else if (!agrees(b, r))
		add_loss(p, s, r, TOLL_JOURNAL_MISCOUNTED);
	else
		add(&s->whole, toll_journal_minus(r->end, r->begin));
	if (!err)
		toll_batch_unref(b);
	return 0;
}

static int take(const struct toll_peek *p, struct toll_journal_survey *s, int found,
                const struct toll_journal_record *r)
{
	switch (found) {
	case TOLL_PEEK_RECORD:
		return check_record(p, s, r);
	case TOLL_PEEK_GONE:
		add(&s->gone, toll_journal_minus(r->end, r->begin));
		return 0;
	default:
		if (p->begin_unknown && r->begin.seq == p->segments[0].begin.seq)
			s->inexact = true;
		add_loss(p, s, r, TOLL_JOURNAL_DAMAGED);
		return 0;
	}
}

static int read_all(struct toll_peek *p, struct toll_journal_survey *s)
{
	struct toll_journal_progress progress;
	struct toll_journal_record r;
	int found, err = toll_peek_from(p, 0);

	toll_journal_progress_begin(&progress, toll_journal_begin(p->journal),
	                            toll_journal_end(p->journal));
	while (!err && (found = toll_peek_next(p, &r)) != TOLL_PEEK_END) {
		err = found < 0 ? found : take(p, s, found, &r);
		toll_journal_progress_at(&progress, r.begin.seq);
	}
	toll_journal_progress_end(&progress);
	return err;
}

int toll_journal_survey(struct toll_peek *p, struct toll_journal_survey *ret)
{
	*ret = (struct toll_journal_survey){
		.losses = calloc(TOLL_JOURNAL_LOSSES_MAX, sizeof(*ret->losses)),
		.lost_of = calloc(p->segment_count + 1, sizeof(*ret->lost_of)),
	};
	if (!ret->losses || !ret->lost_of)
		return TOLL_ENOMEM;
	for (size_t i = 0; i < p->segment_count; i++)
		ret->heads_damaged += p->segments[i].head_damaged;
	return read_all(p, ret);
}

void toll_journal_survey_release(struct toll_journal_survey *s)
{
	free(s->losses);
	free(s->lost_of);
}

bool toll_journal_is_whole(const struct toll_peek *p, const struct toll_journal_survey *s)
{
	return !s->lost.seq && !s->heads_damaged && !p->checkpoint_lost;
}
