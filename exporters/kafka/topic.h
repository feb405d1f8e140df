/* SPDX-License-Identifier: Apache-2.0 */
/* topic.h - what is asked of the cluster about topics: create, look up, how large a message may be.
 * All of these wait for the answer; none calls back into the exporter. */
#ifndef TOLL_EXPORTERS_KAFKA_TOPIC_H
#define TOLL_EXPORTERS_KAFKA_TOPIC_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "base/error.h"

struct toll_kafka_new_topic {
	const char *name;
	int partitions;
	int replication_factor; /* -1: the broker's default */
};

/* 0 when it is there now, also if it was before. TOLL_EDOWN: try again; TOLL_EREFUSED: do not. */
int toll_kafka_topic_create(rd_kafka_t *rk, const struct toll_kafka_new_topic *topic,
                            int timeout_ms, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Makes librdkafka look a missing topic up again, now. */
void toll_kafka_topic_look_up(rd_kafka_t *rk, rd_kafka_topic_t *topic, int timeout_ms);

/* The topic's max.message.bytes; 0: not known (no answer, or not allowed to ask). */
size_t toll_kafka_topic_limit(rd_kafka_t *rk, const char *name, int timeout_ms);

#endif
