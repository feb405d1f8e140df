/* SPDX-License-Identifier: Apache-2.0 */
/* dead_letter.h - what is said of a span that Kafka will not take: who, how much, why, how it
 * began. */
#ifndef TOLL_EXPORTERS_KAFKA_DEAD_LETTER_H
#define TOLL_EXPORTERS_KAFKA_DEAD_LETTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct toll_batch;
struct toll_span;

/* Of the message, this much is kept. */
#define TOLL_KAFKA_DEAD_LETTER_DATA ((size_t)4096)

struct toll_kafka_dead_letter {
	const struct toll_batch *batch;
	const struct toll_span *span; /* the first one */
	uint32_t span_count;          /* how many the message held */
	struct toll_slice topic;      /* where it should have gone */
	struct toll_slice encoding;   /* of message */
	struct toll_slice reason;
	struct toll_slice
		message; /* its beginning, at least TOLL_KAFKA_DEAD_LETTER_DATA if longer */
	size_t size;     /* of the whole message */
};

/* Upper limit of the letter's size; then writes one JSON object, returns its end. Long names are
 * cut. */
size_t toll_kafka_dead_letter_bound(const struct toll_kafka_dead_letter *letter);
char *toll_kafka_dead_letter_write(const struct toll_kafka_dead_letter *letter, char *out);

#endif
