/* SPDX-License-Identifier: Apache-2.0 */
/* fanout.h - one request to all exporters behind an inlet: every required one takes it, or none.
 *
 * What has a journal is written down first: then the exporters that follow the journal get the
 * batch as its next record, which they cannot refuse, and the others what they have room for. */
#ifndef TOLL_PIPELINE_FANOUT_H
#define TOLL_PIPELINE_FANOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/snapshot.h"
#include "pipeline/consumer.h"

struct toll_runner;
struct toll_spool;

/* Pipelines behind one inlet, and exporters of all of them together. */
#define TOLL_FANOUT_MAX 64

struct toll_fanout_target {
	struct toll_runner *runner;
	bool required;  /* false: a full queue drops and counts, nobody is refused */
	uint32_t batch; /* which of the batches offered is its */
	bool follows;   /* the journal of that batch, ... */
	unsigned lane;  /* ... here */
};

struct toll_fanout {
	struct toll_fanout_target targets[TOLL_FANOUT_MAX];
	size_t count;
	uint32_t batch_count;                       /* of one offer */
	struct toll_spool *spools[TOLL_FANOUT_MAX]; /* of each batch; NULL: it has no journal */
	/* What has been accepted for good: a bit per batch, each at most once per offer; any
	 * thread. May be NULL. */
	void (*accepted)(void *ctx, struct toll_batch *const *batches, uint64_t which);
	void *ctx;
	struct toll_shared *owner; /* held while an answer is open; NULL: outlives all */
};

/* Sealed batches, borrowed; those that keep no span, and NULL, are nobody's work. Answers ack
 * exactly once, perhaps before this returns.
 *
 * Of batches without a journal every required exporter gets its own, or none does. A batch with a
 * journal is accepted when its record is durable, whatever becomes of the others: they may then be
 * refused, and a request that comes again is known by its digest.
 *
 * RECEIVED: everything is in queues, of journals too; JOURNALED and AUTO: records are durable;
 * EXPORTED, or a required exporter that waits for its result: every destination in question has
 * answered. Exporters that add up and follow no journal get theirs last, if all went well. */
void toll_fanout_offer(const struct toll_fanout *f, struct toll_batch *const *batches,
                       struct toll_ack *ack);

#endif
