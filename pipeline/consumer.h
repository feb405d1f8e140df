/* SPDX-License-Identifier: Apache-2.0 */
/* consumer.h - the single edge type of the graph, and the answer that comes back over it. */
#ifndef TOLL_PIPELINE_CONSUMER_H
#define TOLL_PIPELINE_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

struct toll_batch;

/* How far a batch must have come before the client hears OK (semantics: "When the client hears
 * OK"). */
enum toll_ack_level {
	TOLL_ACK_RECEIVED = 0,
	TOLL_ACK_JOURNALED,
	TOLL_ACK_EXPORTED,
	TOLL_ACK_AUTO, /* JOURNALED where a pipeline has a journal, else RECEIVED */
};

struct toll_ack {
	/* Exactly once for every consume(), from any thread, perhaps before consume() returns.
	 * err: 0, or why no exporter has the batch (TOLL_EFULL, TOLL_ESHUTDOWN, ...). */
	void (*done)(struct toll_ack *ack, int err);
	enum toll_ack_level level;
	/* Not 0: a client that hears no answer sends the same bytes again, which count once
	 * (pipeline/repeats.h). Whose they are: what one client has sent is not another's. */
	uint64_t sender;
	bool repeated;         /* with done(0): all of it had been taken before */
	struct toll_ack *next; /* of whoever owes the answer */
};

struct toll_consumer {
	/* Borrows the batch: takes references to keep it. The caller has the only reference, and
	 * may not touch the batch's contents afterwards. The answer comes through ack->done. */
	void (*consume)(struct toll_consumer *self, struct toll_batch *batch, struct toll_ack *ack);
};

#endif
