/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - messages of one partition, in order, put together into one batch whose spans are
 * priced already: amounts are taken over, exactly, never made.
 *
 * json: from cost_amount, by its digits. otlp_*: from cost.amount, by the shortest decimal of that
 * double, which is the amount itself below 15 digits; cost.error is why there is none. No thread of
 * its own; reused from batch to batch, so that messages are copied, not allocated for. */
#ifndef TOLL_RECEIVERS_KAFKA_GATHER_H
#define TOLL_RECEIVERS_KAFKA_GATHER_H

#include "kafka/encoding.h"
#include "proto/batch.h"
#include "proto/otlp_json.h"

/* A batch is whole when it has so much of either. */
#define TOLL_GATHER_BYTES    ((size_t)1 << 20)
#define TOLL_GATHER_MESSAGES 4096u

/* What wire has from the mark before up to here. */
struct toll_gather_mark {
	size_t end;
	uint64_t received_ms;
	int64_t offset;
};

struct toll_gather_note {
	int64_t pico;
	uint32_t count; /* spans that it stands for, where no threshold tells; else 0 */
	bool unpriced;
};

struct toll_gather {
	enum toll_kafka_encoding encoding;
	bool priced;              /* spans are; else they are as any client's */
	uint32_t messages, spans; /* in it; spans: of json only */
	struct toll_buffer wire;  /* an ExportTraceServiceRequest */
	struct toll_buffer marks; /* struct toll_gather_mark: of a message, or of a json resource */
	struct toll_buffer notes; /* struct toll_gather_note: of a json span */
	/* json: the resource of the records that come now and its spans; room for the next one's
	 * and for its texts. */
	struct toll_buffer resource, run, next, scratch;
	uint64_t run_received_ms;
	char price_version[128];
	bool several_versions;
};

/* A message that came; value may be written to (lone surrogates of JSON). */
struct toll_kafka_message {
	char *value;
	size_t len;
	int32_t partition;
	int64_t offset;
	uint64_t timestamp_ms; /* Kafka's; 0: none */
};

void toll_gather_init(struct toll_gather *g, enum toll_kafka_encoding encoding, bool priced);
void toll_gather_release(struct toll_gather *g);
void toll_gather_reset(struct toll_gather *g); /* empty; keeps memory up to a batch's size */

/* 0; TOLL_EINVALID: not what this encoding says, and nothing was added; TOLL_ENOMEM: likewise. */
int toll_gather_add(struct toll_gather *g, const struct toll_kafka_message *m,
                    struct toll_error *reterr) TOLL_MUST_CHECK;

static inline bool toll_gather_is_full(const struct toll_gather *g)
{
	return g->messages >= TOLL_GATHER_MESSAGES || g->wire.len + g->run.len >= TOLL_GATHER_BYTES;
}

/* No more is added; before toll_gather_batch(). TOLL_ENOMEM: try again. */
int toll_gather_close(struct toll_gather *g) TOLL_MUST_CHECK;
/* A new batch of all of it, as often as one is asked for. TOLL_EFULL: the memory budget;
 * TOLL_ENOMEM; TOLL_EINVALID, TOLL_ETOOBIG: some message is no OTLP, or there are too many views:
 * look at them one by one. */
int toll_gather_batch(const struct toll_gather *g, struct toll_memory *memory,
                      struct toll_batch **ret, struct toll_error *reterr) TOLL_MUST_CHECK;
/* One message of otlp_* alone, into an empty one; where it came from. TOLL_ENOMEM. */
int toll_gather_single(const struct toll_gather *g, uint32_t message, struct toll_gather *ret,
                       int64_t *ret_offset) TOLL_MUST_CHECK;

#endif
