/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - runners that follow journals on a disk in memory: what is appended is offered to them as
 * a pipeline does it. */
#ifndef TOLL_TESTS_LANE_H
#define TOLL_TESTS_LANE_H

#include "pipeline/record.h"
#include "pipeline/spool.h"
#include "tests/support/fake_exporter.h"
#include "tests/support/journal.h"
#include "tests/support/otlp.h"

#define LANE_USD INT64_C(1000000000000)
/* Second half of every trace id: a test finds a span on the disk by it. */
#define LANE_TRACE UINT64_C(0x9d7b1c3f5a6e8240)

/* One journal, and who is offered what becomes durable. */
struct lane_rig {
	struct disk disk;
	struct toll_journal *journal;
	struct toll_spool spool;
	struct {
		struct toll_runner *runner;
		unsigned lane;
	} targets[4];
	unsigned target_count;
	uint64_t appended; /* records */
	struct toll_journal_settings set;
};

/* A request of so many spans of a dollar each, which begin at first nanoseconds and up. */
static inline TOLL_UNUSED struct toll_batch *lane_batch(uint32_t spans, uint64_t first)
{
	struct msg *list[64];
	struct toll_batch *b;

	assert(spans <= TOLL_COUNT(list));
	for (uint32_t i = 0; i < spans; i++) {
		uint64_t trace[2] = { first + i + 1, LANE_TRACE };

		list[i] = msg_new();
		msg_bytes(list[i], 1, trace, 16);
		msg_bytes(list[i], 2, trace, 8);
		msg_text(list[i], 5, "op");
		msg_fixed64(list[i], 7, first + i);
		msg_fixed64(list[i], 8, first + i + 1000);
	}
	b = batch_of_request(request_of("svc", list, spans));
	for (uint32_t i = 0; i < spans; i++) {
		b->spans[i].cost_state = TOLL_COST_PRICED;
		b->spans[i].cost_pico = LANE_USD;
		b->spans[i].adjusted_count = 1;
		b->spans[i].operation = b->spans[i].name;
	}
	b->received_wall_ms = toll_clock_wall_ms();
	toll_batch_seal(b);
	return b;
}

struct lane_append {
	struct toll_journal_entry entry;
	struct lane_rig *rig;
	struct toll_batch *batch;
	struct toll_waiter *waiter;
	void *memory;
	int err;
};

static inline TOLL_UNUSED void lane_durable(struct toll_journal_entry *e, int err)
{
	struct lane_append *a = toll_container_of(e, struct lane_append, entry);
	struct lane_rig *g = a->rig;

	for (unsigned i = 0; i < g->target_count && !err; i++)
		toll_runner_offer(g->targets[i].runner, g->targets[i].lane, a->batch, e->begin,
		                  e->end, a->waiter);
	toll_batch_unref(a->batch);
	free(a->memory);
	free(a);
}

/* To be synced: by hand, or by the journal's thread. w hears of every target. */
static inline TOLL_UNUSED int lane_append(struct lane_rig *g, struct toll_batch *take_batch,
                                          struct toll_waiter *w)
{
	struct lane_append *a = calloc(1, sizeof(*a));
	int err;

	assert(a);
	*a = (struct lane_append){ .rig = g, .batch = take_batch, .waiter = w };
	a->entry.done = lane_durable;
	err = toll_record_new(take_batch, &a->entry, &a->memory);
	assert(err == 0);
	err = toll_journal_append(g->journal, &a->entry);
	if (err) {
		lane_durable(&a->entry, err);
		return err;
	}
	g->appended++;
	return 0;
}

static inline TOLL_UNUSED void lane_open(struct lane_rig *g, struct toll_journal_settings set)
{
	struct toll_error why = { 0 };

	g->disk.kept = true;
	g->set = set;
	set.io = &g->disk.io;
	if (toll_journal_open(&set, &g->journal, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	g->spool = (struct toll_spool){ .journal = g->journal,
		                        .pipeline = "traces",
		                        .who = "journal/traces" };
	g->target_count = 0;
}

/* What is appended from now on is offered to it. */
static inline TOLL_UNUSED unsigned lane_follow(struct lane_rig *g, struct toll_runner *r)
{
	unsigned i = g->target_count++;
	int err = toll_runner_follow(r, &g->spool, &g->targets[i].lane);

	assert(err == 0);
	g->targets[i].runner = r;
	return g->targets[i].lane;
}

static inline TOLL_UNUSED struct toll_journal_mark lane_cursor(struct lane_rig *g, const char *name)
{
	struct toll_journal_cursor *c;
	int err = toll_journal_cursor(g->journal, name, &c);

	assert(err == 0);
	return toll_journal_cursor_mark(c);
}

#endif
