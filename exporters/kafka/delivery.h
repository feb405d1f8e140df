/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.h - which messages a delivery became, and which of them are still unanswered.
 *
 * A flight is one toll_delivery on its way. It becomes records: one per message, its bytes right
 * behind it, in chunks that librdkafka reads from without copying. A chunk goes when its last
 * record is answered, a flight when all of its records are. One thread at a time: the sender's. */
#ifndef TOLL_EXPORTERS_KAFKA_DELIVERY_H
#define TOLL_EXPORTERS_KAFKA_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

struct toll_delivery;

struct toll_kafka_flight {
	struct toll_delivery *delivery;
	struct toll_kafka_flight *prev, *next; /* in the sender's list of all flights */
	uint32_t part, span;                   /* the next span to encode */
	uint32_t kept; /* spans of its batch before it, without dropped ones */
	uint32_t open; /* records without a final answer */
	bool encoded;  /* every span has become part of a record */
};

enum toll_kafka_record_state {
	TOLL_KAFKA_READY = 0, /* to be produced, perhaps again */
	TOLL_KAFKA_SENT,      /* librdkafka has it: its bytes must stay */
	TOLL_KAFKA_DONE,
};

struct toll_kafka_record {
	struct toll_kafka_flight *flight;
	struct toll_kafka_chunk *chunk;
	struct toll_kafka_record *next; /* in a toll_kafka_list */
	uint64_t seq;                   /* the same however often it is produced (encode.h) */
	uint32_t part, first, count;    /* spans [first, first + count) of that part's batch */
	uint32_t size;                  /* bytes behind this struct */
	uint8_t state;                  /* enum toll_kafka_record_state */
	bool dead_letter;               /* goes to the dead-letter topic */
	bool alone;                     /* as a batch of its own: larger ones were refused */
	char payload[];
};

struct toll_kafka_list {
	struct toll_kafka_record *head, *tail;
};

void toll_kafka_list_push(struct toll_kafka_list *l, struct toll_kafka_record *r);
void toll_kafka_list_push_front(struct toll_kafka_list *l, struct toll_kafka_record *r);
struct toll_kafka_record *toll_kafka_list_pop(struct toll_kafka_list *l); /* NULL: empty */

/* Most records share chunks of this size; a larger one has its own. */
#define TOLL_KAFKA_CHUNK ((size_t)64 * 1024)

/* The bytes follow it. */
struct toll_kafka_chunk {
	struct toll_kafka_chunk *prev, *next; /* among the live ones */
	uint32_t open;                        /* records without a final answer */
	uint32_t used, room;                  /* of bytes */
};

struct toll_kafka_store {
	struct toll_kafka_chunk live; /* head of a ring */
	struct toll_kafka_chunk *filling;
	struct toll_kafka_chunk *spare; /* one kept, so that a trickle does not malloc */
	size_t held;                    /* bytes in live chunks */
};

void toll_kafka_store_init(struct toll_kafka_store *s);
/* Gives back everything, answered or not: nobody may read payloads any more. */
void toll_kafka_store_release(struct toll_kafka_store *s);

/* Room for a record of up to `bound` payload bytes, or NULL when out of memory. Nothing is taken
 * until toll_kafka_store_commit(); the next reserve may return the same place. */
struct toll_kafka_record *toll_kafka_store_reserve(struct toll_kafka_store *s,
                                                   size_t bound) TOLL_MUST_CHECK;
/* The reserved record is real: r->size is set. Counts it in its flight. */
void toll_kafka_store_commit(struct toll_kafka_store *s, struct toll_kafka_record *r,
                             struct toll_kafka_flight *flight);

/* The final answer to a record, whatever it was; r is gone. True: its flight has no record left
 * unanswered and is fully encoded. */
bool toll_kafka_store_finish(struct toll_kafka_store *s, struct toll_kafka_record *r);

/* Every record that librdkafka had (it is gone now) becomes READY and is pushed to l. */
void toll_kafka_store_recall(struct toll_kafka_store *s, struct toll_kafka_list *l);

#endif
