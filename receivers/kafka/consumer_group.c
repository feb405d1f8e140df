/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_group.c - partitions come and go. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "receivers/kafka/consumer.h"

/* Batches that are not done hold at most so much, and a message more. */
#define HELD_MAX ((size_t)16 << 20)
/* What is on its way when a partition is given away may end for so long. The others of the group
 * wait for us meanwhile. */
#define REVOKE_NS (5 * TOLL_S)
/* For the answer where a partition begins. */
#define COMMITTED_MS 3000

/* ---- which there are ---- */

struct toll_kafkain_partition *toll_kafkain_partition(struct toll_kafkain *k, int32_t id)
{
	struct toll_kafkain_partition *p = k->latest;

	if (toll_likely(p && p->id == id))
		return p;
	for (p = k->partitions; p && p->id != id;)
		p = p->next;
	k->latest = p;
	return p;
}

static void add(struct toll_kafkain *k, int32_t id)
{
	struct toll_kafkain_partition *p;

	if (toll_kafkain_partition(k, id))
		return;
	p = calloc(1, sizeof(*p));
	if (!p) { /* its messages would be taken for those of others */
		k->broken = true;
		return;
	}
	p->id = id;
	p->done = p->stored = -1;
	atomic_init(&p->shown_offset, -1);
	atomic_init(&p->shown_lag, -1);
	pthread_mutex_lock(&k->lock);
	p->next = k->partitions;
	k->partitions = p;
	pthread_mutex_unlock(&k->lock);
	atomic_fetch_add_explicit(&k->counters->opened, 1, memory_order_relaxed);
}

static void unlist(struct toll_kafkain *k, struct toll_kafkain_partition *p)
{
	struct toll_kafkain_partition **link = &k->partitions;

	pthread_mutex_lock(&k->lock);
	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	pthread_mutex_unlock(&k->lock);
	k->latest = NULL;
	p->gone = true;
	atomic_fetch_add_explicit(&k->counters->closed, 1, memory_order_relaxed);
}

/* A broker that goes away takes the group with it: what was done and could not be committed is not
 * done again, should the partition come back to us. */
static void remember(struct toll_kafkain *k, const struct toll_kafkain_partition *p)
{
	int64_t *grown;

	if (p->done < 0)
		return;
	if (p->id >= k->past_count) {
		grown = realloc(k->past, ((size_t)p->id + 1) * sizeof(*grown));
		if (!grown)
			return; /* repeats are what it costs */
		k->past = grown;
		while (k->past_count <= p->id)
			k->past[k->past_count++] = -1;
	}
	k->past[p->id] = p->done;
}

static int64_t remembered(const struct toll_kafkain *k, int32_t id)
{
	return id < k->past_count ? k->past[id] : -1;
}

void toll_kafkain_bury(struct toll_kafkain *k, struct toll_kafkain_partition *p)
{
	if (!p->gone)
		return;
	remember(k, p);
	if (!p->head)
		free(p);
}

/* Only what is in the air stays, until it is answered. */
static void drop_waiting(struct toll_kafkain *k, struct toll_kafkain_partition *p)
{
	struct toll_kafkain_flight **link = &p->head, *f;

	if (p->open)
		toll_kafkain_recycle(k, p->open);
	p->open = p->tail = NULL;
	while ((f = *link) != NULL) {
		if (f->state == TOLL_FLIGHT_SENT) {
			p->tail = f;
			link = &f->next;
			continue;
		}
		*link = f->next;
		toll_kafkain_recycle(k, f);
	}
	p->waits = false;
}

void toll_kafkain_forget(struct toll_kafkain *k, struct toll_kafkain_partition *p)
{
	unlist(k, p);
	drop_waiting(k, p);
	toll_kafkain_bury(k, p);
}

void toll_kafkain_forget_all(struct toll_kafkain *k)
{
	while (k->partitions)
		toll_kafkain_forget(k, k->partitions);
}

/* ---- rebalances ---- */

static bool is_cooperative(rd_kafka_t *rk)
{
	const char *protocol = rd_kafka_rebalance_protocol(rk);

	return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

static void complain(struct toll_kafkain *k, const char *what, rd_kafka_error_t *error)
{
	if (!error)
		return;
	TOLL_WARN(k->who, "%s: %s", what, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
}

/* Where they begin: at what is committed, or where we were, if nobody has come further since. */
static void place(struct toll_kafkain *k, rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_partition_list_t *known = rd_kafka_topic_partition_list_new(list->cnt);
	rd_kafka_topic_partition_t *at;

	for (int i = 0; i < list->cnt; i++)
		if (remembered(k, list->elems[i].partition) >= 0)
			rd_kafka_topic_partition_list_add(known, k->topic,
			                                  list->elems[i].partition);
	if (known->cnt && rd_kafka_committed(rk, known, COMMITTED_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		for (int i = 0; i < known->cnt; i++) {
			int64_t past = remembered(k, known->elems[i].partition);

			at = rd_kafka_topic_partition_list_find(list, k->topic,
			                                        known->elems[i].partition);
			if (!known->elems[i].err && past > known->elems[i].offset)
				at->offset = past;
		}
	rd_kafka_topic_partition_list_destroy(known);
}

static void assign(struct toll_kafkain *k, rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
	place(k, rk, list);
	for (int i = 0; i < list->cnt; i++)
		add(k, list->elems[i].partition);
	if (is_cooperative(rk))
		complain(k, "cannot take partitions", rd_kafka_incremental_assign(rk, list));
	else
		(void)rd_kafka_assign(rk, list);
	TOLL_INFO(k->who, "reads %d more partitions topic=%s group=%.*s", list->cnt, k->topic,
	          TOLL_FMT(k->config->group_id));
	toll_kafkain_all_well(k);
}

static bool is_in_the_air(struct toll_kafkain *k, const rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++) {
		const struct toll_kafkain_partition *p =
			toll_kafkain_partition(k, list->elems[i].partition);

		for (const struct toll_kafkain_flight *f = p ? p->head : NULL; f; f = f->next)
			if (f->state == TOLL_FLIGHT_SENT)
				return true;
	}
	return false;
}

/* Until what is in the air of those partitions is answered. */
static void wait_for(struct toll_kafkain *k, const rd_kafka_topic_partition_list_t *list,
                     uint64_t until)
{
	toll_kafkain_take_answers(k);
	while (is_in_the_air(k, list) && toll_clock_mono_ns() < until) {
		pthread_mutex_lock(&k->lock);
		if (!k->answers)
			(void)toll_cond_wait_until(&k->wake, &k->lock, until);
		pthread_mutex_unlock(&k->lock);
		toll_kafkain_take_answers(k);
	}
	if (is_in_the_air(k, list))
		TOLL_WARN(k->who,
		          "partitions are given away before their last batches are "
		          "exported: whoever reads them now reads those again topic=%s",
		          k->topic);
}

static uint64_t revoke_until(struct toll_kafkain *k)
{
	uint64_t until = toll_clock_mono_ns() + REVOKE_NS, deadline = toll_kafkain_deadline(k);

	return deadline && deadline < until ? deadline : until;
}

static void revoke(struct toll_kafkain *k, rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
	uint64_t until = revoke_until(k);

	/* Lost means that others read them already: our offsets are no longer wanted. */
	if (!rd_kafka_assignment_lost(rk)) {
		wait_for(k, list, until);
		toll_kafkain_commit_until(k, list, until);
	}
	for (int i = 0; i < list->cnt; i++) {
		struct toll_kafkain_partition *p =
			toll_kafkain_partition(k, list->elems[i].partition);

		if (p)
			toll_kafkain_forget(k, p);
	}
	if (is_cooperative(rk))
		complain(k, "cannot let go of partitions", rd_kafka_incremental_unassign(rk, list));
	else
		(void)rd_kafka_assign(rk, NULL);
	TOLL_INFO(k->who, "reads %d partitions less topic=%s", list->cnt, k->topic);
}

void toll_kafkain_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                            rd_kafka_topic_partition_list_t *list, void *receiver)
{
	struct toll_kafkain *k = receiver;

	switch (err) {
	case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
		assign(k, rk, list);
		break;
	case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
		revoke(k, rk, list);
		break;
	default:
		TOLL_WARN(k->who, "rebalance: %s", rd_kafka_err2str(err));
		toll_kafkain_forget_all(k);
		(void)rd_kafka_assign(rk, NULL);
	}
}

/* ---- back-pressure ---- */

/* Resumes only once half of it is free: pausing throws away what was fetched ahead. */
static bool is_stalled(const struct toll_kafkain *k)
{
	return k->held > (k->stalled ? HELD_MAX / 2 : HELD_MAX);
}

void toll_kafkain_throttle(struct toll_kafkain *k)
{
	rd_kafka_topic_partition_list_t *pause = NULL, *resume = NULL, **list;

	k->stalled = is_stalled(k);
	for (struct toll_kafkain_partition *p = k->partitions; p; p = p->next) {
		if (p->paused == (k->stalled || p->waits))
			continue;
		p->paused = !p->paused;
		list = p->paused ? &pause : &resume;
		if (!*list)
			*list = rd_kafka_topic_partition_list_new(8);
		rd_kafka_topic_partition_list_add(*list, k->topic, p->id);
	}
	if (pause) {
		(void)rd_kafka_pause_partitions(k->rk, pause);
		rd_kafka_topic_partition_list_destroy(pause);
	}
	if (resume) {
		(void)rd_kafka_resume_partitions(k->rk, resume);
		rd_kafka_topic_partition_list_destroy(resume);
	}
}
