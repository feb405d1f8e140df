/* SPDX-License-Identifier: Apache-2.0 */
/* kafka.c - the Kafka exporter: priced spans to a topic, keyed by service; what a delivery is done
 * by is in sender.c. */
#include <stdlib.h>

#include "exporters/kafka/sender.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

/* Enough to keep librdkafka busy while small requests wait for their acknowledgement; memory is
 * bounded by producer::max_buffered_bytes and the queue. */
#define DELIVERIES_IN_FLIGHT 256

struct kafka {
	struct toll_exporter super;
	struct toll_kafka_sender *sender;
};

static struct kafka *kafka_of(struct toll_component *c)
{
	return toll_container_of(c, struct kafka, super.super);
}

static int export_parts(struct toll_exporter *e, struct toll_delivery *d)
{
	return toll_kafka_sender_send(toll_container_of(e, struct kafka, super)->sender, d);
}

static int start(struct toll_component *c, struct toll_error *reterr)
{
	int err = toll_kafka_sender_start(kafka_of(c)->sender);

	return err ? toll_fail(reterr, err, "cannot start the thread") : 0;
}

static void stop(struct toll_component *c, uint64_t deadline_mono_ns)
{
	toll_kafka_sender_stop(kafka_of(c)->sender, deadline_mono_ns);
}

static void destroy(struct toll_component *c)
{
	struct kafka *k = kafka_of(c);

	k->sender = toll_kafka_sender_free(k->sender);
	free(k);
}

static const struct toll_component_ops ops = { start, stop, destroy };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct kafka *k = calloc(1, sizeof(*k));
	struct toll_kafka_sender_settings sender = {
		.config = config,
		.epoch = set->host ? toll_host_instance(set->host) : "",
		.done = toll_delivery_done,
	};
	int err;

	if (!k)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	toll_component_init(&k->super.super, &ops, set);
	k->super.export_parts = export_parts;
	k->super.max_in_flight = DELIVERIES_IN_FLIGHT;
	sender.component = &k->super.super;
	err = toll_kafka_sender_new(&sender, &k->sender, reterr);
	if (err) {
		free(k);
		return err;
	}
	*ret = &k->super.super;
	return 0;
}

static void topic_of(const void *config, struct toll_topic *ret)
{
	const struct toll_kafka_config *c = config;

	*ret = (struct toll_topic){ .brokers = c->brokers, .name = toll_kafka_topic(c) };
}

const struct toll_factory toll_exporter_kafka = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_BETA,
	.type = "kafka",
	.help = "Priced spans to Kafka, keyed by service; delivery reports decide success.",
	.config_size = sizeof(struct toll_kafka_config),
	.fields = toll_kafka_fields,
	.exporter_settings = offsetof(struct toll_kafka_config, common),
	.validate = toll_kafka_validate,
	.topic = topic_of,
	.create = create,
};
