/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - what users may write about the topic that is read, and the rules that the table cannot
 * say. */
#include "base/clock.h"
#include "receivers/kafka/settings.h"

#define CONF struct toll_kafkain_config

static const char *const offsets[] = { "earliest", "latest", NULL };
static const char *const strategies[] = { "cooperative-sticky", "range", "roundrobin", NULL };

/* Offsets inside a group count from the group's own beginning. */
#define PART(outer, member, kind, preset_, help_, ...)                          \
	{                                                                       \
		.name = #member, .type = TOLL_FIELD_##kind,                     \
		.offset = offsetof(CONF, outer.member) - offsetof(CONF, outer), \
		.preset = (preset_), .help = (help_), ##__VA_ARGS__             \
	}

static const struct toll_field traces_fields[] = {
	PART(traces, topic, STRING, NULL, "Wins over the flat topic."),
	PART(traces, topics, LIST, NULL, "The newest form: one topic."),
	PART(traces, encoding, STRING, NULL, "Wins over the flat encoding."),
	TOLL_FIELD_LATER("exclude_topics", "topics are named, not matched"),
	TOLL_FIELD_END,
};

static const struct toll_field autocommit_fields[] = {
	PART(autocommit, enable, BOOL, "true",
	     "Offsets are committed by this receiver, once the spans before them are exported."),
	PART(autocommit, interval, DURATION, "1s", "How often.", .min = 10 * (int64_t)TOLL_MS),
	TOLL_FIELD_END,
};

static const struct toll_field marking_fields[] = {
	TOLL_FIELD_LATER("after",
	                 "messages count as read once their spans are exported, never before"),
	TOLL_FIELD_LATER("on_error",
	                 "what may succeed later is tried again, what cannot is counted "
	                 "and passed over"),
	TOLL_FIELD_LATER("on_permanent_error", "what cannot succeed is counted and passed over"),
	TOLL_FIELD_END,
};

const struct toll_field toll_kafkain_fields[] = {
	TOLL_FIELD(CONF, brokers, LIST, "[localhost:9092]", "host:port of some brokers."),
	TOLL_FIELD(CONF, topic, STRING, "otel-cost-spans", "Where messages come from."),
	TOLL_FIELD(CONF, encoding, ENUM, "json",
	           "json: one flat cost record per message; otlp_json, otlp_proto: requests.",
	           .choices = toll_kafka_encodings),
	TOLL_FIELD(CONF, traces, GROUP, NULL, "Topic and encoding in the Collector's newer form.",
	           .group = traces_fields),
	TOLL_FIELD(CONF, priced, BOOL, "true",
	           "Spans come with their amounts, which are taken over. false (otlp_* only): "
	           "nobody has priced them; the pipeline does."),
	TOLL_FIELD(CONF, group_id, STRING, "cost-attribution-v1",
	           "Consumers of one group share the partitions."),
	TOLL_FIELD(CONF, group_instance_id, STRING, NULL,
	           "Static membership: a restart within session_timeout moves no partition."),
	TOLL_FIELD(CONF, client_id, STRING, "spantoll", "What the broker's logs call us."),
	TOLL_FIELD(CONF, rack_id, STRING, NULL, "Fetch from replicas of this rack."),
	TOLL_FIELD(CONF, protocol_version, STRING, NULL, "Accepted; the version is negotiated."),
	TOLL_FIELD(CONF, initial_offset, ENUM, "earliest",
	           "Where a group without offsets begins, or one whose offsets are gone.",
	           .choices = offsets),
	TOLL_FIELD(CONF, session_timeout, DURATION, "10s",
	           "A consumer that is not heard for so long loses its partitions."),
	TOLL_FIELD(CONF, heartbeat_interval, DURATION, "3s", "How often it is heard."),
	TOLL_FIELD(CONF, group_rebalance_strategy, ENUM, "cooperative-sticky",
	           "How partitions are shared; the same in the whole group.",
	           .choices = strategies),
	TOLL_FIELD(CONF, group_rebalance_strategies, LIST, NULL, "The newer form: one of them."),
	TOLL_FIELD(CONF, min_fetch_size, SIZE, "1",
	           "A broker waits until it has so many bytes ..."),
	TOLL_FIELD(CONF, max_fetch_wait, DURATION, "250ms", "... or for so long."),
	TOLL_FIELD(CONF, max_fetch_size, SIZE, "16MiB", "Most that one answer holds."),
	TOLL_FIELD(CONF, max_partition_fetch_size, SIZE, "1MiB",
	           "Of one partition; a larger message still comes."),
	TOLL_FIELD(CONF, linger, DURATION, "20ms",
	           "Wait for more messages of a partition before a batch goes on."),
	TOLL_FIELD(CONF, conn_idle_timeout, DURATION, "9m", "Idle connections are closed."),
	TOLL_FIELD(CONF, autocommit, GROUP, NULL, "When offsets are committed.",
	           .group = autocommit_fields),
	{ .name = "message_marking",
	  .type = TOLL_FIELD_GROUP,
	  .help = "Accepted; messages count as read once their spans are exported.",
	  .group = marking_fields },
	TOLL_FIELD(CONF, metadata, GROUP, NULL, "What we know of the cluster.",
	           .group = toll_kafka_metadata_fields),
	TOLL_FIELD(CONF, tls, GROUP, NULL, "Present: connections are encrypted.",
	           .group = toll_kafka_tls_fields, .present = offsetof(CONF, tls.present)),
	TOLL_FIELD(CONF, auth, GROUP, NULL, "How we log in.", .group = toll_kafka_auth_fields),
	TOLL_FIELD_LATER("resolve_canonical_bootstrap_servers_only", "names are used as written"),
	TOLL_FIELD_LATER("use_leader_epoch", "truncation is found by offsets"),
	TOLL_FIELD_LATER("default_fetch_size", "the older name of max_partition_fetch_size"),
	TOLL_FIELD_LATER("header_extraction", "headers do not become attributes"),
	TOLL_FIELD_LATER("error_backoff", "a refused batch is tried again, 100 ms to 1 s apart"),
	TOLL_FIELD_LATER("partition_processing", "partitions never wait for one another"),
	TOLL_FIELD_LATER("telemetry", "all counters are always there"),
	TOLL_FIELD_LATER("logs", "spantoll takes traces only"),
	TOLL_FIELD_LATER("metrics", "spantoll takes traces only"),
	TOLL_FIELD_LATER("profiles", "spantoll takes traces only"),
	TOLL_FIELD_END,
};

/* ---- what a table cannot say ---- */

static void validate_encoding(const struct toll_kafkain_config *c, struct toll_reporter *r)
{
	enum toll_kafka_encoding encoding;

	if (c->traces.encoding.len && !toll_kafka_encoding_parse(c->traces.encoding, &encoding))
		toll_report_error(r, "traces::encoding",
		                  "\"%.*s\" is not known: use json, otlp_json or otlp_proto",
		                  TOLL_FMT(c->traces.encoding));
	else if (!c->priced && toll_kafkain_encoding(c) == TOLL_KAFKA_JSON)
		toll_report_error(r, "priced",
		                  "flat records are priced: false needs otlp_proto or "
		                  "otlp_json");
}

static void validate_topic(const struct toll_kafkain_config *c, struct toll_reporter *r)
{
	const char *path = c->traces.topics.count ? "traces::topics"
	                   : c->traces.topic.len  ? "traces::topic"
	                                          : "topic";

	if (c->traces.topics.count > 1)
		toll_report_error(r, path, "one topic per receiver: add receivers for the others");
	else
		toll_kafka_validate_topic(toll_kafkain_topic(c), path, r);
}

static bool is_strategy(struct toll_slice s)
{
	for (size_t i = 0; strategies[i]; i++)
		if (toll_slice_is(s, strategies[i]))
			return true;
	return false;
}

static void validate_group(const struct toll_kafkain_config *c, struct toll_reporter *r)
{
	if (!c->group_id.len)
		toll_report_error(r, "group_id", "must not be empty: offsets are kept under it");
	if (c->group_rebalance_strategies.count > 1)
		toll_report_error(r, "group_rebalance_strategies", "name one");
	else if (c->group_rebalance_strategies.count &&
	         !is_strategy(c->group_rebalance_strategies.at[0]))
		toll_report_error(r, "group_rebalance_strategies",
		                  "\"%.*s\" is not known: use cooperative-sticky, range or "
		                  "roundrobin",
		                  TOLL_FMT(c->group_rebalance_strategies.at[0]));
	if (c->session_timeout < TOLL_S || c->session_timeout > 3600 * TOLL_S)
		toll_report_error(r, "session_timeout", "must lie between 1s and 1h");
	if (c->heartbeat_interval < 100 * TOLL_MS || c->heartbeat_interval > c->session_timeout / 2)
		toll_report_error(r, "heartbeat_interval",
		                  "must lie between 100ms and half of session_timeout");
	if (!c->autocommit.enable)
		toll_report_error(
			r, "autocommit::enable",
			"nobody else can commit offsets of what is exported: leave it on");
}

static void validate_fetching(const struct toll_kafkain_config *c, struct toll_reporter *r)
{
	if (c->min_fetch_size < 1 || c->min_fetch_size > 100000000)
		toll_report_error(r, "min_fetch_size", "must lie between 1 and 100000000");
	if (c->max_fetch_size < c->min_fetch_size || c->max_fetch_size < 1000 ||
	    c->max_fetch_size > 1000000000)
		toll_report_error(r, "max_fetch_size",
		                  "must lie between 1000 and 1000000000, and not be below "
		                  "min_fetch_size");
	if (c->max_partition_fetch_size < 1 || c->max_partition_fetch_size > 1000000000)
		toll_report_error(r, "max_partition_fetch_size",
		                  "must lie between 1 and 1000000000");
	if (c->max_fetch_wait > 60 * TOLL_S)
		toll_report_error(r, "max_fetch_wait", "must not be over 1m");
	if (c->linger > TOLL_S)
		toll_report_error(r, "linger", "must not be over 1s");
}

void toll_kafkain_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_kafkain_config *c = config;

	if (c->brokers.count == 0)
		toll_report_error(r, "brokers", "name at least one broker");
	validate_topic(c, r);
	validate_encoding(c, r);
	validate_group(c, r);
	validate_fetching(c, r);
	toll_kafka_validate_auth(&c->tls, &c->auth, r);
}
