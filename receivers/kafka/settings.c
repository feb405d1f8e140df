/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/kafka/settings.h"

#include "base/clock.h"

/* What librdkafka fetches ahead, all partitions together. */
#define AHEAD_KILOBYTES 16384

struct toll_slice toll_kafkain_topic(const struct toll_kafkain_config *c)
{
	if (c->traces.topics.count)
		return c->traces.topics.at[0];
	return c->traces.topic.len ? c->traces.topic : c->topic;
}

enum toll_kafka_encoding toll_kafkain_encoding(const struct toll_kafkain_config *c)
{
	enum toll_kafka_encoding encoding = (enum toll_kafka_encoding)c->encoding;

	if (c->traces.encoding.len)
		(void)toll_kafka_encoding_parse(c->traces.encoding, &encoding);
	return encoding;
}

static void set_if(struct toll_kafka_conf_writer *w, const char *name, struct toll_slice value)
{
	if (value.len)
		toll_kafka_conf_set(w, name, value);
}

static void set_ms(struct toll_kafka_conf_writer *w, const char *name, uint64_t ns)
{
	toll_kafka_conf_set_number(w, name, (int64_t)(ns / TOLL_MS));
}

static struct toll_slice strategy_of(const struct toll_kafkain_config *c)
{
	static const char *const strategies[] = { "cooperative-sticky", "range", "roundrobin" };

	if (c->group_rebalance_strategies.count)
		return c->group_rebalance_strategies.at[0];
	return toll_slice_str(strategies[c->group_rebalance_strategy]);
}

static void set_group(struct toll_kafka_conf_writer *w, const struct toll_kafkain_config *c)
{
	uint64_t patience = 300 * TOLL_S;

	toll_kafka_conf_set(w, "group.id", c->group_id);
	set_if(w, "group.instance.id", c->group_instance_id);
	set_ms(w, "session.timeout.ms", c->session_timeout);
	set_ms(w, "heartbeat.interval.ms", c->heartbeat_interval);
	set_ms(w, "max.poll.interval.ms",
	       patience > c->session_timeout ? patience : c->session_timeout);
	toll_kafka_conf_set(w, "partition.assignment.strategy", strategy_of(c));
	toll_kafka_conf_set_text(w, "auto.offset.reset", c->initial_offset ? "latest" : "earliest");
	/* Of the offsets that we store: those of what is exported. */
	toll_kafka_conf_set_text(w, "enable.auto.commit", "true");
	set_ms(w, "auto.commit.interval.ms", c->autocommit.interval);
	toll_kafka_conf_set_text(w, "enable.auto.offset.store", "false");
}

static void set_fetching(struct toll_kafka_conf_writer *w, const struct toll_kafkain_config *c)
{
	set_if(w, "client.rack", c->rack_id);
	toll_kafka_conf_set_number(w, "fetch.min.bytes", (int64_t)c->min_fetch_size);
	toll_kafka_conf_set_number(w, "fetch.max.bytes", (int64_t)c->max_fetch_size);
	toll_kafka_conf_set_number(w, "max.partition.fetch.bytes",
	                           (int64_t)c->max_partition_fetch_size);
	/* librdkafka wants the whole to be no smaller than one message may be. */
	toll_kafka_conf_set_number(
		w, "message.max.bytes",
		(int64_t)(c->max_fetch_size < 1000000 ? c->max_fetch_size : 1000000));
	toll_kafka_conf_set_number(w, "receive.message.max.bytes",
	                           (int64_t)c->max_fetch_size + (64 << 20));
	set_ms(w, "fetch.wait.max.ms", c->max_fetch_wait);
	toll_kafka_conf_set_number(w, "queued.max.messages.kbytes", AHEAD_KILOBYTES);
	toll_kafka_conf_set_text(w, "allow.auto.create.topics", "false");
}

int toll_kafkain_conf(const struct toll_kafkain_config *c, rd_kafka_conf_t **ret,
                      struct toll_error *reterr)
{
	struct toll_kafka_conf_writer w = { rd_kafka_conf_new(), reterr, 0 };
	const struct toll_kafka_connection connection = {
		.brokers = c->brokers,
		.client_id = c->client_id,
		.tls = &c->tls,
		.auth = &c->auth,
		.metadata = &c->metadata,
		.conn_idle_timeout = c->conn_idle_timeout,
	};

	if (!w.conf)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	toll_kafka_conf_connect(&w, &connection);
	set_group(&w, c);
	set_fetching(&w, c);
	if (w.err) {
		rd_kafka_conf_destroy(w.conf);
		return w.err;
	}
	*ret = w.conf;
	return 0;
}
