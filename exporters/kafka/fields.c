/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - what users may write about Kafka, and the rules that the table cannot say. */
#include "base/clock.h"
#include "exporters/kafka/settings.h"

#define CONF struct toll_kafka_config

/* Offsets inside a group count from the group's own beginning. */
#define PART_AS(outer, name_, member, kind, preset_, help_, ...)                \
	{                                                                       \
		.name = (name_), .type = TOLL_FIELD_##kind,                     \
		.offset = offsetof(CONF, outer.member) - offsetof(CONF, outer), \
		.preset = (preset_), .help = (help_), ##__VA_ARGS__             \
	}
#define PART(outer, member, kind, preset_, help_, ...) \
	PART_AS(outer, #member, member, kind, preset_, help_, ##__VA_ARGS__)

static const struct toll_field traces_fields[] = {
	PART(traces, topic, STRING, NULL, "Wins over the flat topic."),
	PART(traces, encoding, STRING, NULL, "Wins over the flat encoding."),
	TOLL_FIELD_LATER("topic_from_metadata_key", "one topic per exporter for now"),
	TOLL_FIELD_LATER("message_key_from_metadata_key", "the key is the service"),
	TOLL_FIELD_END,
};

static const struct toll_field compression_fields[] = {
	{ .name = "level",
	  .type = TOLL_FIELD_INT,
	  .preset = "-1",
	  .min = -1,
	  .max = 12,
	  .help = "Depends on the codec; -1: its default." },
	TOLL_FIELD_END,
};

static const struct toll_field producer_fields[] = {
	PART(producer, max_message_bytes, SIZE, "1000000",
	     "Largest message; larger ones are cut by span, a larger span is a dead letter."),
	PART(producer, required_acks, INT, "-1",
	     "-1: all in-sync replicas, each message once per producer; 1, 0: may lose and repeat.",
	     .min = -1, .max = 1),
	PART(producer, compression, ENUM, "lz4", "none, gzip, snappy, lz4 or zstd.",
	     .choices = toll_kafka_compressions),
	PART(producer, compression_params, GROUP, NULL, "Of the codec.",
	     .group = compression_fields),
	PART(producer, linger, DURATION, "10ms", "Wait for more messages before sending."),
	PART(producer, flush_max_messages, INT, "10000",
	     "Most messages in one request to a partition.", .min = 0, .max = 1000000),
	PART(producer, allow_auto_topic_creation, BOOL, "true",
	     "Let the broker create a missing topic, if it does so."),
	PART(producer, max_buffered_bytes, SIZE, "8MiB",
	     "Encoded messages without an answer; more wait as spans."),
	TOLL_FIELD_LATER("max_broker_write_bytes", "librdkafka limits its requests itself"),
	TOLL_FIELD_END,
};

const struct toll_field toll_kafka_fields[] = {
	TOLL_FIELD(CONF, brokers, LIST, "[localhost:9092]", "host:port of some brokers."),
	TOLL_FIELD(CONF, topic, STRING, "otel-cost-spans", "Where messages go."),
	TOLL_FIELD(
		CONF, encoding, ENUM, "json",
		"json: one flat record per span; otlp_json, otlp_proto: one message per resource.",
		.choices = toll_kafka_encodings),
	TOLL_FIELD(CONF, traces, GROUP, NULL, "Topic and encoding in the Collector's newer form.",
	           .group = traces_fields),
	TOLL_FIELD(CONF, client_id, STRING, "spantoll", "What the broker's logs call us."),
	TOLL_FIELD(CONF, protocol_version, STRING, NULL, "Accepted; the version is negotiated."),
	TOLL_FIELD(CONF, headers, BOOL, "true",
	           "Headers node, epoch, seq on every message, to tell a repeated one."),
	TOLL_FIELD(CONF, dead_letter_topic, STRING, NULL,
	           "Where spans go that are too large alone; default: the topic and -dlq."),
	TOLL_FIELD(CONF, create_topic, BOOL, "false", "Create the topics at start."),
	TOLL_FIELD(CONF, topic_partitions, INT, "12", "Of a topic that we create.", .min = 1,
	           .max = 10000),
	TOLL_FIELD(CONF, topic_replication_factor, INT, "-1",
	           "Of a topic that we create; -1: the broker's default.", .min = -1, .max = 100),
	TOLL_FIELD(CONF, conn_idle_timeout, DURATION, "9m", "Idle connections are closed."),
	TOLL_FIELD(CONF, producer, GROUP, NULL, "How messages are sent.", .group = producer_fields),
	TOLL_FIELD(CONF, metadata, GROUP, NULL, "What we know of the cluster.",
	           .group = toll_kafka_metadata_fields),
	TOLL_FIELD(CONF, tls, GROUP, NULL, "Present: connections are encrypted.",
	           .group = toll_kafka_tls_fields, .present = offsetof(CONF, tls.present)),
	TOLL_FIELD(CONF, auth, GROUP, NULL, "How we log in.", .group = toll_kafka_auth_fields),
	TOLL_FIELD_LATER("resolve_canonical_bootstrap_servers_only", "names are used as written"),
	TOLL_FIELD_LATER("topic_from_attribute", "one topic per exporter for now"),
	TOLL_FIELD_LATER("include_metadata_keys", "there is no client metadata yet"),
	TOLL_FIELD_LATER("record_headers", "headers are node, epoch and seq"),
	TOLL_FIELD_LATER("partition_traces_by_id", "the key is the service"),
	TOLL_FIELD_LATER("partition_traces_by_resource_attributes", "the key is the service"),
	TOLL_FIELD_LATER("record_partitioner", "the partition is murmur2 of the key, as in Java"),
	TOLL_EXPORTER_FIELDS(CONF, "true"),
	TOLL_FIELD_END,
};

/* ---- what a table cannot say ---- */

static void validate_producer(const struct toll_kafka_config *c, struct toll_reporter *r)
{
	if (c->producer.max_message_bytes < 1000 || c->producer.max_message_bytes > 1000000000)
		toll_report_error(r, "producer::max_message_bytes",
		                  "must lie between 1000 and 1000000000");
	if (c->producer.linger > 5 * TOLL_S)
		toll_report_error(r, "producer::linger",
		                  "must not be over 5s: shutdown waits for it");
	if (c->producer.max_buffered_bytes < (1 << 20))
		toll_report_error(r, "producer::max_buffered_bytes", "must be at least 1MiB");
	if (c->producer.required_acks != -1)
		toll_report_warning(
			r, "producer::required_acks",
			"with %d a broker's failure loses acknowledged spans, and retries "
			"may repeat some; -1 does neither",
			(int)c->producer.required_acks);
}

void toll_kafka_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_kafka_config *c = config;
	enum toll_kafka_encoding encoding;

	toll_exporter_settings_check(&c->common, r);
	if (c->brokers.count == 0)
		toll_report_error(r, "brokers", "name at least one broker");
	toll_kafka_validate_topic(toll_kafka_topic(c),
	                          c->traces.topic.len ? "traces::topic" : "topic", r);
	if (c->dead_letter_topic.len)
		toll_kafka_validate_topic(c->dead_letter_topic, "dead_letter_topic", r);
	if (c->traces.encoding.len && !toll_kafka_encoding_parse(c->traces.encoding, &encoding))
		toll_report_error(r, "traces::encoding",
		                  "\"%.*s\" is not known: use json, otlp_json or otlp_proto",
		                  TOLL_FMT(c->traces.encoding));
	validate_producer(c, r);
	toll_kafka_validate_auth(&c->tls, &c->auth, r);
}
