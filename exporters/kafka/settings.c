/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

const char *const toll_kafka_compressions[] = { "none", "gzip", "snappy", "lz4", "zstd", NULL };

struct toll_slice toll_kafka_topic(const struct toll_kafka_config *c)
{
	return c->traces.topic.len ? c->traces.topic : c->topic;
}

enum toll_kafka_encoding toll_kafka_encoding(const struct toll_kafka_config *c)
{
	enum toll_kafka_encoding encoding = (enum toll_kafka_encoding)c->encoding;

	if (c->traces.encoding.len)
		(void)toll_kafka_encoding_parse(c->traces.encoding, &encoding);
	return encoding;
}

/* ---- librdkafka's configuration ---- */

/* A dead letter may be larger than the messages it is about. */
#define LETTER_MAX ((size_t)64 * 1024)

/* Nothing may be dropped inside librdkafka: no time-out, no limit below ours. */
static void set_delivery(struct toll_kafka_conf_writer *w, const struct toll_kafka_config *c,
                         size_t batch_bytes)
{
	toll_kafka_conf_set_number(w, "message.timeout.ms", 0);
	toll_kafka_conf_set_number(w, "queue.buffering.max.messages", 0);
	toll_kafka_conf_set_number(w, "queue.buffering.max.kbytes", INT32_MAX);
	toll_kafka_conf_set_number(w, "message.max.bytes",
	                           (int64_t)(batch_bytes < LETTER_MAX ? LETTER_MAX : batch_bytes) +
	                                   1024);
	toll_kafka_conf_set_number(w, "batch.size", (int64_t)batch_bytes);
	if (c->producer.flush_max_messages)
		toll_kafka_conf_set_number(w, "batch.num.messages", c->producer.flush_max_messages);
	toll_kafka_conf_set_number(w, "linger.ms", (int64_t)(c->producer.linger / TOLL_MS));
	toll_kafka_conf_set_number(w, "acks", c->producer.required_acks);
	toll_kafka_conf_set_text(w, "enable.idempotence",
	                         c->producer.required_acks == -1 ? "true" : "false");
	toll_kafka_conf_set_text(w, "compression.codec",
	                         toll_kafka_compressions[c->producer.compression]);
	toll_kafka_conf_set_number(w, "compression.level", c->producer.compression_params.level);
	toll_kafka_conf_set_text(w, "partitioner", "murmur2_random");
}

int toll_kafka_conf(const struct toll_kafka_config *c, size_t batch_bytes, rd_kafka_conf_t **ret,
                    struct toll_error *reterr)
{
	struct toll_kafka_conf_writer w = { rd_kafka_conf_new(), reterr, 0 };
	const struct toll_kafka_connection connection = { .brokers = c->brokers,
		                                          .client_id = c->client_id,
		                                          .tls = &c->tls,
		                                          .auth = &c->auth,
		                                          .metadata = &c->metadata,
		                                          .conn_idle_timeout =
		                                                  c->conn_idle_timeout };

	if (!w.conf)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	toll_kafka_conf_connect(&w, &connection);
	set_delivery(&w, c, batch_bytes);
	/* How long a topic may be missing before we hear of it; its messages wait either way. */
	toll_kafka_conf_set_number(&w, "topic.metadata.propagation.max.ms", 5000);
	toll_kafka_conf_set_text(&w, "allow.auto.create.topics",
	                         c->producer.allow_auto_topic_creation ? "true" : "false");
	if (w.err) {
		rd_kafka_conf_destroy(w.conf);
		return w.err;
	}
	*ret = w.conf;
	return 0;
}
