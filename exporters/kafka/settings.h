/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what users write about Kafka, and the librdkafka configuration made of it. */
#ifndef TOLL_EXPORTERS_KAFKA_SETTINGS_H
#define TOLL_EXPORTERS_KAFKA_SETTINGS_H

#include <librdkafka/rdkafka.h>

#include "pipeline/runner.h"

enum toll_kafka_encoding {
	TOLL_KAFKA_JSON = 0,
	TOLL_KAFKA_OTLP_JSON,
	TOLL_KAFKA_OTLP_PROTO,
};

struct toll_kafka_tls {
	struct toll_slice ca_file, cert_file, key_file;
	struct toll_slice ca_pem, cert_pem, key_pem;
	bool insecure; /* no TLS after all */
	bool insecure_skip_verify;
	bool present;
};

struct toll_kafka_login {
	struct toll_slice mechanism, username, password;
};

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
	struct {
		uint64_t refresh_interval; /* ns */
		bool full;
	} metadata;
	struct toll_kafka_tls tls;
	struct {
		struct toll_kafka_login sasl, plain_text;
		struct toll_kafka_tls tls;
	} auth;
	struct toll_exporter_settings common;
};

/* fields.c */
extern const struct toll_field toll_kafka_fields[];
void toll_kafka_validate(const void *config, struct toll_reporter *r);

extern const char *const toll_kafka_encodings[], *const toll_kafka_compressions[];

/* The newer form wins over the flat one. */
struct toll_slice toll_kafka_topic(const struct toll_kafka_config *c);
enum toll_kafka_encoding toll_kafka_encoding(const struct toll_kafka_config *c);
struct toll_slice toll_kafka_encoding_name(enum toll_kafka_encoding encoding);
bool toll_kafka_encoding_parse(struct toll_slice name, enum toll_kafka_encoding *ret);

/* auth.tls is the older place. NULL: connections are not encrypted. */
const struct toll_kafka_tls *toll_kafka_tls_of(const struct toll_kafka_config *c);
/* auth.plain_text is the older form. No username: no login. */
struct toll_kafka_login toll_kafka_login_of(const struct toll_kafka_config *c);

/* A new configuration of a producer; batch_bytes: what one request to a partition may hold, at
 * most. *ret belongs to the caller. reterr never holds a secret. */
int toll_kafka_conf(const struct toll_kafka_config *c, size_t batch_bytes, rd_kafka_conf_t **ret,
                    struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
