/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - one runner's place in one spool: where its cursor stands, which record comes next, which
 * ones were given to the queue and are not answered yet, who waits for those to come.
 *
 * Private to the runner, whose lock guards it, but for what is marked as its thread's own. Its
 * memory is bounded by the queue: of what has not been read yet a lane keeps who waits for it. */
#ifndef TOLL_PIPELINE_LANE_H
#define TOLL_PIPELINE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/journal.h"
#include "pipeline/lost.h"

struct toll_entry;
struct toll_spool;
struct toll_waiter;

/* Marks in order, the last one exact; where there are too many, every second one goes. */
#define TOLL_MARKS_MAX 64
struct toll_marks {
	struct toll_journal_mark at[TOLL_MARKS_MAX];
	unsigned count;
};
void toll_marks_add(struct toll_marks *m, struct toll_journal_mark mark);
/* The highest up to seq, which goes with all before it. False: there is none. */
bool toll_marks_take(struct toll_marks *m, uint64_t seq, struct toll_journal_mark *ret);

/* Why records of a journal are lost. */
enum toll_lane_loss {
	TOLL_LANE_GAP = 0,     /* damaged, or dropped because the disk was full */
	TOLL_LANE_UNDECODABLE, /* intact, but nothing this version can read */
	TOLL_LANE_LOSSES,
};

/* Somebody who waits for a record that has not been read yet. */
struct toll_lane_wait {
	struct toll_lane_wait *next;
	struct toll_waiter *waiter;
	uint64_t seq;
	int err; /* what it hears */
};

struct toll_lane {
	const struct toll_spool *spool;
	struct toll_journal_cursor *cursor;
	bool checkpoints; /* its exporter says what is durable: toll_exporter.durable_seq */

	bool begun;                       /* whoever was there before it is done */
	bool ended;                       /* it moves no cursor any more */
	struct toll_journal_mark next;    /* everything before is given, or lost */
	struct toll_journal_mark known;   /* ... is durable; over next: this lane lags */
	struct toll_journal_mark done;    /* ... is answered, or lost */
	struct toll_entry *first, **last; /* given and not answered, in order */
	uint64_t used;                    /* of the queue's room, by those */
	struct toll_lane_wait *waits;     /* in order */
	struct toll_lane_wait *last_wait;
	struct toll_marks marks; /* done, but not known to be durable */
	uint64_t newest_ms;      /* when the last one that was given had been received */
	uint64_t passed_bytes;   /* given from memory since it was last read from disk */
	/* Some records before this one have failed: for who asks when they are gone. */
	uint64_t failed_end;
	int failed_err;
	struct toll_journal_mark lost[TOLL_LANE_LOSSES]; /* since begin; seq: how many records */
	struct toll_lost untold[TOLL_LANE_LOSSES];       /* of it, what the log does not say yet */
	uint64_t again_ns;                               /* not to be read before */

	/* The runner's thread only. */
	struct toll_journal_reader *reader;
	struct toll_journal_record record; /* read, and not given yet */
	bool has_record, is_gap;
	uint64_t backoff_ns;               /* 0: reading works */
	uint64_t hungry_ns;                /* since when there is no memory for it; 0: there is */
	struct toll_journal_mark seen_end; /* of the journal, at the last poll */
};

static inline bool toll_lane_lags(const struct toll_lane *l)
{
	return l->next.seq < l->known.seq;
}

/* From the cursor's mark on. */
void toll_lane_begin(struct toll_lane *l);
/* What is before end is durable. */
void toll_lane_know(struct toll_lane *l, struct toll_journal_mark end);
/* e is the next one; its size and the marks of its place are filled in. */
void toll_lane_give(struct toll_lane *l, struct toll_entry *e);
/* It was answered wholly: it leaves the lane, and the cursor may move. */
void toll_lane_answered(struct toll_lane *l, struct toll_entry *e);
/* [next, to) is passed over. Who waits for it goes to *told and hears err. */
void toll_lane_skip(struct toll_lane *l, struct toll_journal_mark to, int err,
                    struct toll_lane_wait **told);
/* The same, and it is counted. */
void toll_lane_lose(struct toll_lane *l, struct toll_journal_mark to, enum toll_lane_loss why,
                    struct toll_lane_wait **told);
/* What the exporter's durable_seq says. */
void toll_lane_durable(struct toll_lane *l, uint64_t seq);
/* What is before end and not done. */
struct toll_journal_mark toll_lane_behind(const struct toll_lane *l, struct toll_journal_mark end);

struct toll_lost toll_lane_as_lost(const struct toll_journal_mark *between);

/* ---- who waits (lane_wait.c) ---- */

/* False: out of memory. */
bool toll_lane_wait(struct toll_lane *l, uint64_t seq, struct toll_waiter *w);
/* Who waits for this record, which is the next one; NULL: nobody. */
struct toll_waiter *toll_lane_waiter(struct toll_lane *l, uint64_t seq);
/* Who waits for those before seq goes to *told. */
void toll_lane_dismiss(struct toll_lane *l, uint64_t seq, int err, struct toll_lane_wait **told);
/* Without the lock. */
void toll_lane_tell(struct toll_lane_wait *told);
/* Somebody asks for a record that is before next already. True: *ret_err is how it has ended, else
 * w is told when it is answered. */
bool toll_lane_is_over(struct toll_lane *l, uint64_t seq, struct toll_waiter *w, int *ret_err);

/* ---- reading (lane_read.c): the runner's thread, without the lock ---- */

/* Makes l->record the first one that ends behind next. Negative: try again later. */
int toll_lane_fetch(struct toll_lane *l, struct toll_journal_mark next) TOLL_MUST_CHECK;
/* No file is held open any more; what was fetched is forgotten. */
void toll_lane_close(struct toll_lane *l);

#endif
