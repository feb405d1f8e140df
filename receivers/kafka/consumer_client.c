/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_client.c - librdkafka's consumer: opened, listened to, closed. */
#include "base/clock.h"
#include "base/log.h"
#include "receivers/kafka/consumer.h"

#define BACKOFF_FIRST (500 * TOLL_MS)
#define BACKOFF_MAX   (10 * TOLL_S)
#define PROBE_NS      (2 * TOLL_S)
#define PROBE_MS      500

/* ---- what librdkafka says ---- */

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct toll_kafkain *k = opaque;
	char text[256];

	switch (err) {
	case RD_KAFKA_RESP_ERR__FATAL:
		(void)rd_kafka_fatal_error(rk, text, sizeof(text));
		toll_kafkain_trouble(k, "the consumer broke", text);
		k->broken = true;
		break;
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		toll_kafkain_trouble(k, "no broker answers", reason);
		break;
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR__SSL:
		toll_kafkain_trouble(k, "the brokers do not let us in", reason);
		break;
	default: /* it tries again, and logs it */
		break;
	}
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	const struct toll_kafkain *k = rd_kafka_opaque(rk);

	toll_kafka_log(k ? k->who : "receiver/kafka", level, facility, text);
}

void toll_kafkain_hear(struct toll_kafkain *k, rd_kafka_resp_err_t err, const char *why)
{
	switch (err) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		toll_kafkain_trouble(k, "the topic is not there", why);
		break;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		toll_kafkain_trouble(k, "the brokers do not let us read the topic", why);
		break;
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
		TOLL_WARN(k->who, "%s: partitions went to others", why);
		break;
	default:
		TOLL_WARN(k->who, "%s topic=%s", why, k->topic);
	}
}

/* ---- life ---- */

static void hold(struct toll_kafkain *k)
{
	k->backoff = k->backoff ? 2 * k->backoff : BACKOFF_FIRST;
	if (k->backoff > BACKOFF_MAX)
		k->backoff = BACKOFF_MAX;
	k->hold_until = toll_clock_mono_ns() + k->backoff;
}

static rd_kafka_resp_err_t subscribe(struct toll_kafkain *k)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t err;

	rd_kafka_topic_partition_list_add(list, k->topic, RD_KAFKA_PARTITION_UA);
	err = rd_kafka_subscribe(k->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return err;
}

static int make(struct toll_kafkain *k, struct toll_error *reterr)
{
	rd_kafka_conf_t *conf;
	char why[200];
	int err = toll_kafkain_conf(k->config, &conf, reterr);

	if (err)
		return err;
	rd_kafka_conf_set_opaque(conf, k);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_rebalance_cb(conf, toll_kafkain_rebalance);
	rd_kafka_conf_set_offset_commit_cb(conf, toll_kafkain_committed);
	k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!k->rk) {
		rd_kafka_conf_destroy(conf);
		return toll_fail(reterr, TOLL_ECONFIG, "cannot make a consumer: %s", why);
	}
	return 0;
}

static void set_waker(struct toll_kafkain *k, rd_kafka_queue_t *queue)
{
	pthread_mutex_lock(&k->lock);
	k->waker = queue;
	pthread_mutex_unlock(&k->lock);
}

void toll_kafkain_open(struct toll_kafkain *k)
{
	struct toll_error why = { 0 };
	rd_kafka_resp_err_t err;

	if (toll_clock_mono_ns() < k->hold_until)
		return;
	if (make(k, &why) < 0) {
		toll_kafkain_trouble(k, "no consumer can be made", why.text);
		hold(k);
		return;
	}
	k->broken = k->stalled = false;
	(void)rd_kafka_poll_set_consumer(k->rk);
	k->rkt = rd_kafka_topic_new(k->rk, k->topic, NULL);
	k->queue = rd_kafka_queue_get_consumer(k->rk);
	set_waker(k, k->queue);
	err = subscribe(k);
	if (!err)
		return;
	toll_kafkain_trouble(k, "the topic cannot be subscribed to", rd_kafka_err2str(err));
	k->broken = true;
}

/* The rebalance that gives everything away comes over a queue of its own, behind messages that
 * nobody wants any more. */
static void leave_group(struct toll_kafkain *k, uint64_t deadline)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(k->rk, queue);

	while (!error && !rd_kafka_consumer_closed(k->rk) && toll_clock_mono_ns() < deadline) {
		rd_kafka_message_t *m = rd_kafka_consume_queue(queue, 20);

		if (m)
			rd_kafka_message_destroy(m);
	}
	rd_kafka_error_destroy(error);
	rd_kafka_queue_destroy(queue);
}

void toll_kafkain_close(struct toll_kafkain *k, uint64_t deadline)
{
	rd_kafka_t *rk = k->rk;

	if (!rk)
		return;
	leave_group(k, deadline);
	toll_kafkain_forget_all(k);
	set_waker(k, NULL);
	rd_kafka_queue_destroy(k->queue);
	if (k->rkt)
		rd_kafka_topic_destroy(k->rkt);
	k->rk = NULL;
	k->queue = NULL;
	k->rkt = NULL;
	toll_kafkain_go_away(k);
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	toll_kafkain_come_back(k);
	hold(k);
}

/* ---- is it over? ---- */

/* True: the cluster answers; *ret_topic: it has the topic. */
static bool ask(struct toll_kafkain *k, bool *ret_topic)
{
	const struct rd_kafka_metadata *found = NULL;

	if (!k->rkt ||
	    rd_kafka_metadata(k->rk, 0, k->rkt, &found, PROBE_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	*ret_topic = found->topic_cnt == 1 && !found->topics[0].err &&
	             found->topics[0].partition_cnt > 0;
	rd_kafka_metadata_destroy(found);
	return true;
}

void toll_kafkain_probe(struct toll_kafkain *k, uint64_t now)
{
	bool has_topic = false;

	if (!k->trouble || k->broken || now < k->probe_at)
		return;
	k->probe_at = now + PROBE_NS;
	if (!ask(k, &has_topic))
		return;
	if (!has_topic) {
		toll_kafkain_trouble(k, "the topic is not there", "create it");
		return;
	}
	/* Looked up again at once, not at the next refresh. */
	if (!k->partitions)
		(void)subscribe(k);
	toll_kafkain_all_well(k);
}
