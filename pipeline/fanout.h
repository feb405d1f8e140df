/* SPDX-License-Identifier: Apache-2.0 */
/* fanout.h - one request to all exporters behind an inlet: every required one takes it, or none. */
#ifndef TOLL_PIPELINE_FANOUT_H
#define TOLL_PIPELINE_FANOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/snapshot.h"
#include "pipeline/consumer.h"

struct toll_runner;

/* Pipelines behind one inlet, and exporters of all of them together. */
#define TOLL_FANOUT_MAX 64

struct toll_fanout_target {
	struct toll_runner *runner;
	bool required;  /* false: a full queue drops and counts, nobody is refused */
	uint32_t batch; /* which of the batches offered is its */
};

struct toll_fanout {
	struct toll_fanout_target targets[TOLL_FANOUT_MAX];
	size_t count;
	uint32_t batch_count; /* of one offer */
	/* What has been accepted for good, once per offer; any thread. May be NULL. */
	void (*accepted)(void *ctx, struct toll_batch *const *batches);
	void *ctx;
	struct toll_shared *owner; /* held while an answer is open; NULL: outlives all */
};

/* Sealed batches, borrowed; those that keep no span are nobody's work. Every required exporter gets
 * its batch, or none does. Answers ack exactly once, perhaps before this returns: when the queues
 * have everything, or (level EXPORTED, or a required exporter that waits for its result) when every
 * destination in question has answered. Then exporters that add up get theirs last, if all went
 * well. Journals do not exist yet: JOURNALED is RECEIVED. */
void toll_fanout_offer(const struct toll_fanout *f, struct toll_batch *const *batches,
                       struct toll_ack *ack);

#endif
