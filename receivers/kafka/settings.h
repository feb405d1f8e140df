/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what users write about the topic that is read, and the librdkafka configuration made
 * of it. */
#ifndef TOLL_RECEIVERS_KAFKA_SETTINGS_H
#define TOLL_RECEIVERS_KAFKA_SETTINGS_H

#include "kafka/connection.h"
#include "kafka/encoding.h"

struct toll_kafkain_config {
	struct toll_slice_list brokers;
	struct toll_slice topic, client_id, protocol_version, rack_id;
	struct toll_slice group_id, group_instance_id;
	int encoding; /* enum toll_kafka_encoding */
	bool priced;
	struct {
		struct toll_slice topic, encoding;
		struct toll_slice_list topics;
	} traces;
	int initial_offset, group_rebalance_strategy; /* indexes into the choices */
	struct toll_slice_list group_rebalance_strategies;
	uint64_t session_timeout, heartbeat_interval; /* ns */
	uint64_t min_fetch_size, max_fetch_size, max_partition_fetch_size;
	uint64_t max_fetch_wait, linger, conn_idle_timeout; /* ns */
	struct {
		bool enable;
		uint64_t interval; /* ns */
	} autocommit;
	struct toll_kafka_metadata metadata;
	struct toll_kafka_tls tls;
	struct toll_kafka_auth auth;
};

/* fields.c */
extern const struct toll_field toll_kafkain_fields[];
void toll_kafkain_validate(const void *config, struct toll_reporter *r);

/* The newer forms win over the flat ones. */
struct toll_slice toll_kafkain_topic(const struct toll_kafkain_config *c);
enum toll_kafka_encoding toll_kafkain_encoding(const struct toll_kafkain_config *c);

/* A new configuration of a consumer. *ret belongs to the caller. reterr never holds a secret. */
int toll_kafkain_conf(const struct toll_kafkain_config *c, rd_kafka_conf_t **ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
