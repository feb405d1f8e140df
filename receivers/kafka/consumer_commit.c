/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_commit.c - offsets of what is done.
 *
 * librdkafka commits what it was told, every autocommit.interval, but never while the group forms
 * anew: an offset that arrives with the number of the generation before costs a member all of its
 * partitions. Only when partitions go are offsets committed from here, since then somebody else
 * begins at them. */
#include "base/clock.h"
#include "base/log.h"
#include "receivers/kafka/consumer.h"

/* What is done of partitions (of NULL: all) and was not told yet; NULL: nothing. */
static rd_kafka_topic_partition_list_t *
collect(struct toll_kafkain *k, const rd_kafka_topic_partition_list_t *of, bool also_told)
{
	rd_kafka_topic_partition_list_t *list = NULL;

	for (struct toll_kafkain_partition *p = k->partitions; p; p = p->next) {
		if (p->done < 0 || (p->done == p->stored && !also_told) ||
		    (of && !rd_kafka_topic_partition_list_find(of, k->topic, p->id)))
			continue;
		if (!list)
			list = rd_kafka_topic_partition_list_new(8);
		rd_kafka_topic_partition_list_add(list, k->topic, p->id)->offset = p->done;
		p->stored = p->done;
	}
	return list;
}

/* What was not committed will be, with the next ones. */
static void failed(struct toll_kafkain *k, rd_kafka_resp_err_t err)
{
	atomic_fetch_add_explicit(&k->counters->commit_failures, 1, memory_order_relaxed);
	TOLL_WARN(k->who, "offsets are not committed: %s topic=%s", rd_kafka_err2str(err),
	          k->topic);
	if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		toll_kafkain_hear(k, err, rd_kafka_err2str(err));
}

void toll_kafkain_committed(rd_kafka_t *rk TOLL_UNUSED, rd_kafka_resp_err_t err,
                            rd_kafka_topic_partition_list_t *list, void *receiver)
{
	struct toll_kafkain *k = receiver;

	if (err == RD_KAFKA_RESP_ERR__NO_OFFSET)
		return;
	for (int i = 0; list && i < list->cnt && !err; i++)
		err = list->elems[i].err;
	if (err)
		failed(k, err);
	else
		atomic_fetch_add_explicit(&k->counters->commits, 1, memory_order_relaxed);
}

void toll_kafkain_store(struct toll_kafkain *k)
{
	rd_kafka_topic_partition_list_t *list = collect(k, NULL, false);

	if (!list)
		return;
	(void)rd_kafka_offsets_store(k->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

/* An answer in place of the callback, which would need the queue that we are called from. */
void toll_kafkain_commit_until(struct toll_kafkain *k, const rd_kafka_topic_partition_list_t *of,
                               uint64_t deadline)
{
	rd_kafka_topic_partition_list_t *list = collect(k, of, true);
	rd_kafka_queue_t *queue = list ? rd_kafka_queue_new(k->rk) : NULL;
	uint64_t now = toll_clock_mono_ns();
	rd_kafka_event_t *event = NULL;
	rd_kafka_resp_err_t err;

	if (!list)
		return;
	(void)rd_kafka_offsets_store(k->rk, list);
	err = rd_kafka_commit_queue(k->rk, list, queue, NULL, NULL);
	if (!err)
		event = rd_kafka_queue_poll(queue,
		                            deadline > now ? (int)((deadline - now) / TOLL_MS) : 0);
	if (event) {
		toll_kafkain_committed(k->rk, rd_kafka_event_error(event), NULL, k);
		rd_kafka_event_destroy(event);
	} else {
		failed(k, err ? err : RD_KAFKA_RESP_ERR__TIMED_OUT);
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_topic_partition_list_destroy(list);
}
