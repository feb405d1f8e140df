/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what users write about Kafka, and the librdkafka configuration made of it. */
#ifndef TOLL_EXPORTERS_KAFKA_SETTINGS_H
#define TOLL_EXPORTERS_KAFKA_SETTINGS_H

#include "kafka/connection.h"
#include "kafka/encoding.h"
#include "pipeline/runner.h"

struct toll_kafka_config {
	struct toll_slice_list brokers;
	struct toll_slice topic, client_id, protocol_version, dead_letter_topic;
	int encoding; /* enum toll_kafka_encoding */
	struct {
		struct toll_slice topic, encoding;
	} traces;
	bool headers;
	bool create_topic;
	int64_t topic_partitions, topic_replication_factor;
	uint64_t conn_idle_timeout; /* ns */
	struct {
		uint64_t max_message_bytes;
		int64_t required_acks;
		int compression; /* index into the choices */
		struct {
			int64_t level;
		} compression_params;
		uint64_t linger; /* ns */
		int64_t flush_max_messages;
		bool allow_auto_topic_creation;
		uint64_t max_buffered_bytes;
	} producer;
	struct toll_kafka_metadata metadata;
	struct toll_kafka_tls tls;
	struct toll_kafka_auth auth;
	struct toll_exporter_settings common;
};

/* fields.c */
extern const struct toll_field toll_kafka_fields[];
void toll_kafka_validate(const void *config, struct toll_reporter *r);

extern const char *const toll_kafka_compressions[];

/* The newer form wins over the flat one. */
struct toll_slice toll_kafka_topic(const struct toll_kafka_config *c);
enum toll_kafka_encoding toll_kafka_encoding(const struct toll_kafka_config *c);

/* A new configuration of a producer; batch_bytes: what one request to a partition may hold, at
 * most. *ret belongs to the caller. reterr never holds a secret. */
int toll_kafka_conf(const struct toll_kafka_config *c, size_t batch_bytes, rd_kafka_conf_t **ret,
                    struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
