/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h - one exporter's bounded queue, its thread, batching, retries and drain.
 *
 * Admission is two steps, so that a fan-out takes all or none: reserve room in every runner, then
 * commit the batch to each, or cancel. Reserve and commit: any thread, never block.
 *
 * Order: deliveries are first given to the exporter in order of admission. A delivery that waits
 * for its retry keeps its place among the num_consumers (or exporter->max_in_flight) in flight, and
 * later ones overtake it on the other places: with max_in_flight 1 nothing ever overtakes. */
#ifndef TOLL_PIPELINE_RUNNER_H
#define TOLL_PIPELINE_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/schema.h"
#include "pipeline/component.h"
#include "pipeline/journal.h"

enum toll_sizer { TOLL_SIZER_REQUESTS = 0, TOLL_SIZER_ITEMS, TOLL_SIZER_BYTES };

/* sending_queue.batch: a delivery holds at least min_size spans unless flush_timeout has passed
 * since its first one or the queue is full, and never more than max_size (0: no limit). */
struct toll_batch_settings {
	bool enabled;
	uint64_t flush_timeout; /* ns */
	int64_t min_size, max_size;
};

struct toll_queue_settings {
	bool enabled; /* false: num_consumers requests at once, each client waits for the result */
	int64_t num_consumers;
	int64_t queue_size; /* in the sizer's unit */
	int sizer;          /* enum toll_sizer */
	bool block_on_overflow;
	bool wait_for_result;
	struct toll_slice storage;
	struct toll_batch_settings batch;
};

struct toll_retry_settings {
	bool enabled;
	uint64_t initial_interval, max_interval, max_elapsed_time; /* ns; elapsed 0: for ever */
	double randomization_factor, multiplier;
};

/* Members of every exporter's config that has a queue; factory.exporter_settings points here. The
 * Collector's names and defaults (exporterhelper). */
struct toll_exporter_settings {
	uint64_t timeout; /* ns, one attempt */
	bool required;    /* full queue refuses the client; false: drops and counts instead */
	struct toll_queue_settings sending_queue;
	struct toll_retry_settings retry_on_failure;
};

/* Where nobody wrote this one, what is in a journal is never given up. */
#define TOLL_PATIENCE "retry_on_failure::max_elapsed_time"

extern const struct toll_field toll_queue_fields[], toll_retry_fields[];

/* Into the exporter's own field table, conf having a member `struct toll_exporter_settings common`.
 */
/* clang-format off */
#define TOLL_EXPORTER_FIELDS(conf, required_) TOLL_EXPORTER_FIELDS_TIMEOUT(conf, required_, "5s")
#define TOLL_EXPORTER_FIELDS_TIMEOUT(conf, required_, timeout_)                                    \
	{ .name = "timeout", .type = TOLL_FIELD_DURATION, .preset = (timeout_),                    \
	  .offset = offsetof(conf, common.timeout), .help = "Limit of one attempt." },             \
	{ .name = "required", .type = TOLL_FIELD_BOOL, .preset = (required_),                      \
	  .offset = offsetof(conf, common.required),                                               \
	  .help = "A full queue refuses the client; when false, spans are dropped and counted." }, \
	{ .name = "sending_queue", .type = TOLL_FIELD_GROUP, .group = toll_queue_fields,           \
	  .offset = offsetof(conf, common.sending_queue), .help = "The queue before the exporter." }, \
	{ .name = "retry_on_failure", .type = TOLL_FIELD_GROUP, .group = toll_retry_fields,        \
	  .offset = offsetof(conf, common.retry_on_failure), .help = "Back-off between attempts." }
/* clang-format on */

/* Rules between those settings: for the exporter's own validate(). */
void toll_exporter_settings_check(const struct toll_exporter_settings *set,
                                  struct toll_reporter *r);

/* The id of the extension that keeps the exporter's queue on disk; NULL: in memory. */
const char *toll_exporter_storage(const struct toll_exporter_settings *set);

struct toll_runner;

/* exporter and set are borrowed until free; `batch` processors have been folded into set. NULL: out
 * of memory. Drain, free the exporter (it may answer until it is gone), then free the runner. */
struct toll_runner *toll_runner_new(struct toll_exporter *exporter,
                                    const struct toll_exporter_settings *set);
struct toll_runner *toll_runner_free(struct toll_runner *r); /* always returns NULL */
int toll_runner_start(struct toll_runner *r) TOLL_MUST_CHECK;

/* Between new and start: gives nothing to the exporter until the release, because another one of
 * its id is not done yet (a reload): what one destination gets stays in order. Hurry releases. */
void toll_runner_hold(struct toll_runner *r);
void toll_runner_release(struct toll_runner *r);

/* Before drain: what it cannot deliver is not lost but goes to heir, a runner of the same id that
 * is held, from the first on. What the destination may have got without saying so comes again: not
 * for exporters that add up. heir must outlive the drain. */
void toll_runner_set_heir(struct toll_runner *r, struct toll_runner *heir);

/* Shutdown has begun: what is queued or waits for a retry is due at once, further waits are short.
 */
void toll_runner_hurry(struct toll_runner *r);
/* No new reservations; waits until everything is answered or the deadline; what is left is counted
 * as lost and logged with its dollars, and its acknowledgements fail with TOLL_ESHUTDOWN. The
 * thread has ended afterwards. Legal before start and twice. */
void toll_runner_drain(struct toll_runner *r, uint64_t deadline_mono_ns);
/* No new reservations; waits until everything is answered and the thread has ended, or `until`, and
 * gives nothing up. True: it is over, drain will not wait. A runner never started is over. */
bool toll_runner_is_over(struct toll_runner *r, uint64_t until_mono_ns);
/* After drain: the exporter has not come back from a call, its thread could not be ended. Then
 * neither the exporter nor the batches it was given may be freed; toll_runner_free() leaves them.
 */
bool toll_runner_stuck(const struct toll_runner *r);
/* wait_for_result, or no queue: an inlet answers only after the destination has. */
bool toll_runner_waits(const struct toll_runner *r);
/* Its exporter adds up what it is given (toll_exporter.accounts). */
bool toll_runner_accounts(const struct toll_runner *r);

/* What waits for the fate of a batch in one exporter (acknowledge: exported), or NULL. */
struct toll_waiter {
	void (*done)(struct toll_waiter *w, int err); /* exactly once per commit, any thread */
};

/* Room for this batch: 0, TOLL_EFULL, TOLL_ESHUTDOWN or TOLL_ENOMEM; a refusal is counted. */
int toll_runner_reserve(struct toll_runner *r, const struct toll_batch *batch) TOLL_MUST_CHECK;
/* After reserve. Takes its own reference to the sealed batch, which keeps at least one span. Cannot
 * fail. */
void toll_runner_commit(struct toll_runner *r, struct toll_batch *batch, struct toll_waiter *w);
void toll_runner_cancel(struct toll_runner *r, const struct toll_batch *batch);

/* ---- what comes from a journal ---- */

struct toll_spool;

/* From here on the exporter gets every record of that spool, in order, from where its cursor (of
 * its id) stands: its place there is called a lane. Between new and start. The spool must outlive
 * the runner's free, and is used for ever by one that is stuck. 0, TOLL_EFULL (too many cursors),
 * TOLL_ETOOBIG (id), TOLL_ENOMEM, or the disk's error. */
int toll_runner_follow(struct toll_runner *r, struct toll_spool *s,
                       unsigned *ret_lane) TOLL_MUST_CHECK;
/* A record that has just become durable, and the sealed batch it was made of, with its origin: what
 * is the very next one and has room is given to the exporter as it is, all else is read from disk
 * later, so nothing is ever refused. One thread at a time per lane, in the journal's order; never
 * blocks. w (may be NULL) is told when the record is done, perhaps before this returns. Legal in
 * every state of the runner. */
void toll_runner_offer(struct toll_runner *r, unsigned lane, struct toll_batch *b,
                       struct toll_journal_mark begin, struct toll_journal_mark end,
                       struct toll_waiter *w);
/* At the end of the process, with hurry: whoever waits for records that are not in memory hears
 * TOLL_ESHUTDOWN; what is not delivered stays in the journal, and drain says how much. */
void toll_runner_dismiss(struct toll_runner *r);
/* What is durable there and the exporter has not answered for, in records, spans and money. */
void toll_runner_lag(struct toll_runner *r, unsigned lane, struct toll_journal_mark *ret_behind);

#endif
