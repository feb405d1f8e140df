/* SPDX-License-Identifier: Apache-2.0 */
/* kafka.c - the Kafka receiver: priced spans from a topic, each partition in order: factory and
 * life. What happens in between is laid out in consumer.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "receivers/kafka/consumer.h"

/* Beyond the deadline of shutdown, for a call into librdkafka to come back. */
#define JOIN_GRACE (500 * TOLL_MS)

static struct toll_kafkain *kafkain_of(struct toll_component *c)
{
	return toll_container_of(c, struct toll_kafkain, super.super);
}

static int start(struct toll_component *c, struct toll_error *reterr)
{
	struct toll_kafkain *k = kafkain_of(c);
	int err = toll_thread_start(&k->thread, "toll-kafkain", toll_kafkain_run, k);

	if (err)
		return toll_fail(reterr, err, "%s: cannot start the thread", c->who);
	k->running = true;
	toll_host_metrics_add(c->host, &k->metrics);
	k->listed = true;
	return 0;
}

/* ---- the end ---- */

/* A thread that is away may stay there. */
static bool give_up_if_away(struct toll_kafkain *k)
{
	bool away;

	pthread_mutex_lock(&k->lock);
	away = k->abandoned = k->away;
	pthread_mutex_unlock(&k->lock);
	return away;
}

/* While the thread is not away it ends by itself: it looks at the deadline. */
static void join(struct toll_kafkain *k, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns(), until = (deadline > now ? deadline : now) + JOIN_GRACE;

	while (toll_thread_join_until(k->thread, until) < 0) {
		if (!give_up_if_away(k)) {
			until = toll_clock_mono_ns() + TOLL_S / 10;
			continue;
		}
		pthread_detach(k->thread);
		TOLL_WARN(k->who,
		          "librdkafka does not come back from a call: its consumer is left behind");
		return;
	}
}

static void stop(struct toll_component *c, uint64_t deadline_mono_ns)
{
	struct toll_kafkain *k = kafkain_of(c);

	pthread_mutex_lock(&k->lock);
	k->deadline = deadline_mono_ns ? deadline_mono_ns : 1;
	if (k->waker)
		rd_kafka_queue_yield(k->waker);
	pthread_cond_broadcast(&k->wake);
	pthread_mutex_unlock(&k->lock);
	if (k->running)
		join(k, deadline_mono_ns);
	k->running = false;
}

/* Half of the time, so that exporters have the other half for what is then still in them. */
static void shutdown_kafkain(struct toll_component *c, uint64_t deadline_mono_ns)
{
	uint64_t now = toll_clock_mono_ns();
	uint64_t left = deadline_mono_ns > now ? deadline_mono_ns - now : 0;

	stop(c, now + left / 2);
}

static void destroy(struct toll_component *c)
{
	struct toll_kafkain *k = kafkain_of(c);
	bool owed;

	if (k->listed)
		toll_host_metrics_remove(c->host, &k->metrics);
	k->listed = false;
	stop(c, 1);
	pthread_mutex_lock(&k->lock);
	owed = k->in_the_air > 0 || k->abandoned;
	pthread_mutex_unlock(&k->lock);
	/* An exporter that is stuck may still answer: what it would touch stays until the end. */
	if (owed)
		return;
	toll_kafkain_take_answers(k);
	toll_kafkain_drop_spare(k);
	free(k->past);
	toll_host_let_go(c->host, k->counters);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static const struct toll_component_ops ops = { start, shutdown_kafkain, destroy };

/* ---- the beginning ---- */

static int check_settings(const struct toll_kafkain_config *c, struct toll_error *reterr)
{
	rd_kafka_conf_t *conf;
	int err = toll_kafkain_conf(c, &conf, reterr);

	if (!err)
		rd_kafka_conf_destroy(conf);
	return err;
}

static int init(struct toll_kafkain *k, const struct toll_settings *set, const void *config)
{
	toll_component_init(&k->super.super, &ops, set);
	k->super.next = set->next;
	k->config = config;
	k->metrics.collect = toll_kafkain_collect;
	snprintf(k->who, sizeof(k->who), "%s", set->who);
	snprintf(k->topic, sizeof(k->topic), "%.*s", TOLL_FMT(toll_kafkain_topic(k->config)));
	k->counters = toll_host_keep(set->host, "kafka receiver", set->id.text,
	                             sizeof(*k->counters), NULL);
	if (!k->counters)
		return TOLL_ENOMEM;
	if (toll_cond_init(&k->wake) < 0) {
		toll_host_let_go(set->host, k->counters);
		return TOLL_ENOMEM;
	}
	pthread_mutex_init(&k->lock, NULL);
	return 0;
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct toll_kafkain *k;
	int err = check_settings(config, reterr);

	if (err)
		return err;
	k = calloc(1, sizeof(*k));
	if (!k || init(k, set, config) < 0) {
		free(k);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	*ret = &k->super.super;
	return 0;
}

static bool is_priced(const void *config)
{
	return ((const struct toll_kafkain_config *)config)->priced;
}

static void topic_of(const void *config, struct toll_topic *ret)
{
	const struct toll_kafkain_config *c = config;

	*ret = (struct toll_topic){ .brokers = c->brokers,
		                    .name = toll_kafkain_topic(c),
		                    .group = c->group_id };
}

const struct toll_factory toll_receiver_kafka = {
	.kind = TOLL_RECEIVER,
	.stability = TOLL_BETA,
	.type = "kafka",
	.help = "Priced spans from Kafka, each partition in order; offsets follow what is "
		"exported.",
	.config_size = sizeof(struct toll_kafkain_config),
	.fields = toll_kafkain_fields,
	.validate = toll_kafkain_validate,
	.priced = is_priced,
	.topic = topic_of,
	.create = create,
};
