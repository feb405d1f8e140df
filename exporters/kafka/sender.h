/* SPDX-License-Identifier: Apache-2.0 */
/* sender.h - the exporter's one thread: encodes deliveries, produces messages, serves their reports
 * and replaces a producer that broke. Encoding, producing and freeing on the same thread keeps
 * malloc's arenas from fighting: that is a third of librdkafka's cost per message. */
#ifndef TOLL_EXPORTERS_KAFKA_SENDER_H
#define TOLL_EXPORTERS_KAFKA_SENDER_H

#include "exporters/kafka/settings.h"
#include "pipeline/component.h"

struct toll_kafka_sender;

struct toll_kafka_sender_settings {
	const struct toll_kafka_config *config;
	const struct toll_component *component; /* who, stats, host (may be NULL: no health) */
	const char *epoch;                      /* of this process: header `epoch` */
	void (*done)(struct toll_delivery *d, int err); /* toll_delivery_done, but for tests */
};

/* Checks that librdkafka takes the settings; connects to nothing. */
int toll_kafka_sender_new(const struct toll_kafka_sender_settings *set,
                          struct toll_kafka_sender **ret,
                          struct toll_error *reterr) TOLL_MUST_CHECK;
int toll_kafka_sender_start(struct toll_kafka_sender *s) TOLL_MUST_CHECK;

/* Any thread. 0: settings.done is called exactly once, later, from the sender's thread or stop. */
int toll_kafka_sender_send(struct toll_kafka_sender *s, struct toll_delivery *d) TOLL_MUST_CHECK;

/* Sends what it has until the deadline, then answers the rest with TOLL_ESHUTDOWN. Also before
 * start and twice. A thread that hangs in librdkafka then is left behind with all its memory; it
 * touches neither deliveries nor the component again. */
void toll_kafka_sender_stop(struct toll_kafka_sender *s, uint64_t deadline_mono_ns);
struct toll_kafka_sender *toll_kafka_sender_free(struct toll_kafka_sender *s); /* always NULL */

#endif
