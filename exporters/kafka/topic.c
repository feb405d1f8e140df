/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/topic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int outcome(rd_kafka_resp_err_t err, const char *why, struct toll_error *reterr)
{
	switch (err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
	case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
		return 0;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
	case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
	case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
		return toll_fail(reterr, TOLL_EREFUSED, "%s", why ? why : rd_kafka_err2str(err));
	default:
		return toll_fail(reterr, TOLL_EDOWN, "%s", why ? why : rd_kafka_err2str(err));
	}
}

static int create_outcome(rd_kafka_event_t *event, struct toll_error *reterr)
{
	const rd_kafka_topic_result_t **topics;
	size_t count = 0;

	if (!event)
		return toll_fail(reterr, TOLL_EDOWN, "no answer");
	if (rd_kafka_event_error(event))
		return outcome(rd_kafka_event_error(event), rd_kafka_event_error_string(event),
		               reterr);
	topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event),
	                                             &count);
	if (count != 1)
		return toll_fail(reterr, TOLL_EDOWN, "no answer");
	return outcome(rd_kafka_topic_result_error(topics[0]),
	               rd_kafka_topic_result_error_string(topics[0]), reterr);
}

static rd_kafka_AdminOptions_t *options(rd_kafka_t *rk, rd_kafka_admin_op_t op, int timeout_ms)
{
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(rk, op);
	char why[64];

	if (o)
		(void)rd_kafka_AdminOptions_set_request_timeout(o, timeout_ms, why, sizeof(why));
	return o;
}

int toll_kafka_topic_create(rd_kafka_t *rk, const struct toll_kafka_new_topic *topic,
                            int timeout_ms, struct toll_error *reterr)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_AdminOptions_t *o = options(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
	char why[128] = "out of memory";
	rd_kafka_NewTopic_t *want = rd_kafka_NewTopic_new(
		topic->name, topic->partitions, topic->replication_factor, why, sizeof(why));
	int err;

	if (queue && o && want) {
		rd_kafka_event_t *event;

		rd_kafka_CreateTopics(rk, &want, 1, o, queue);
		event = rd_kafka_queue_poll(queue, timeout_ms + 500);
		err = create_outcome(event, reterr);
		if (event)
			rd_kafka_event_destroy(event);
	} else {
		err = toll_fail(reterr, TOLL_EREFUSED, "%s", why);
	}
	if (want)
		rd_kafka_NewTopic_destroy(want);
	if (o)
		rd_kafka_AdminOptions_destroy(o);
	if (queue)
		rd_kafka_queue_destroy(queue);
	return err;
}

void toll_kafka_topic_look_up(rd_kafka_t *rk, rd_kafka_topic_t *topic, int timeout_ms)
{
	const struct rd_kafka_metadata *found = NULL;

	if (rd_kafka_metadata(rk, 0, topic, &found, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(found);
}

/* ---- max.message.bytes ---- */

static size_t find_limit(const rd_kafka_ConfigResource_t *res)
{
	size_t count = 0;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(res, &count);

	for (size_t i = 0; i < count; i++) {
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);

		if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "max.message.bytes") == 0 &&
		    value)
			return (size_t)strtoull(value, NULL, 10);
	}
	return 0;
}

static size_t limit_in(rd_kafka_event_t *event)
{
	const rd_kafka_ConfigResource_t **resources;
	size_t count = 0;

	if (!event || rd_kafka_event_error(event))
		return 0;
	resources = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result(event), &count);
	if (count != 1 || rd_kafka_ConfigResource_error(resources[0]))
		return 0;
	return find_limit(resources[0]);
}

size_t toll_kafka_topic_limit(rd_kafka_t *rk, const char *name, int timeout_ms)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_AdminOptions_t *o = options(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
	rd_kafka_ConfigResource_t *res = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
	size_t limit = 0;

	if (queue && o && res) {
		rd_kafka_event_t *event;

		rd_kafka_DescribeConfigs(rk, &res, 1, o, queue);
		event = rd_kafka_queue_poll(queue, timeout_ms + 500);
		limit = limit_in(event);
		if (event)
			rd_kafka_event_destroy(event);
	}
	if (res)
		rd_kafka_ConfigResource_destroy(res);
	if (o)
		rd_kafka_AdminOptions_destroy(o);
	if (queue)
		rd_kafka_queue_destroy(queue);
	return limit;
}
