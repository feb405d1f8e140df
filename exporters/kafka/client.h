/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - the life of one librdkafka producer, its two topics and its log lines. */
#ifndef TOLL_EXPORTERS_KAFKA_CLIENT_H
#define TOLL_EXPORTERS_KAFKA_CLIENT_H

#include "exporters/kafka/settings.h"

/* Called by toll_kafka_client_poll() only, on its thread. */
struct toll_kafka_client_ops {
	void (*on_report)(void *ctx, const rd_kafka_message_t *message);
	/* fatal: this producer can do nothing more. */
	void (*on_error)(void *ctx, rd_kafka_resp_err_t err, const char *why, bool fatal);
};

struct toll_kafka_client {
	rd_kafka_t *rk; /* NULL: closed */
	rd_kafka_topic_t *topic, *dead_letters;
	rd_kafka_queue_t *queue; /* what poll waits for */
	const struct toll_kafka_client_ops *ops;
	void *ctx;
	const char *who;
};

/* c->ops, ctx and who are set. Connects in the background. On failure c stays closed. */
int toll_kafka_client_open(struct toll_kafka_client *c, const struct toll_kafka_config *config,
                           const char *dead_letter_topic, size_t batch_bytes,
                           struct toll_error *reterr) TOLL_MUST_CHECK;
/* Reports not yet polled are lost. Afterwards nothing reads payloads. */
void toll_kafka_client_close(struct toll_kafka_client *c);

/* Waits for reports and errors, or a yield of queue, at most so long. */
void toll_kafka_client_poll(struct toll_kafka_client *c, int timeout_ms);

#endif
