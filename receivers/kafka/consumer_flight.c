/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_flight.c - messages into batches, and batches on their way. */
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/host.h"
#include "receivers/kafka/consumer.h"

#define SPARES 16

/* ---- flights ---- */

static struct toll_kafkain_flight *flight_new(struct toll_kafkain *k,
                                              struct toll_kafkain_partition *p, int64_t first)
{
	struct toll_kafkain_flight *f = k->spare;

	if (f) {
		k->spare = f->next;
		k->spare_count--;
	} else {
		f = calloc(1, sizeof(*f));
		if (!f)
			return NULL;
		toll_gather_init(&f->gather, toll_kafkain_encoding(k->config), k->config->priced);
	}
	f->owner = k;
	f->partition = p;
	f->next = NULL;
	f->first = f->end = first;
	f->bytes = 0;
	f->spans = f->rejected = 0;
	f->not_before = f->backoff = 0;
	f->state = TOLL_FLIGHT_READY;
	return f;
}

static void flight_free(struct toll_kafkain_flight *f)
{
	toll_gather_release(&f->gather);
	free(f);
}

void toll_kafkain_recycle(struct toll_kafkain *k, struct toll_kafkain_flight *f)
{
	k->held -= f->bytes;
	if (k->spare_count == SPARES) {
		flight_free(f);
		return;
	}
	toll_gather_reset(&f->gather);
	f->next = k->spare;
	k->spare = f;
	k->spare_count++;
}

void toll_kafkain_drop_spare(struct toll_kafkain *k)
{
	while (k->spare) {
		struct toll_kafkain_flight *f = k->spare;

		k->spare = f->next;
		flight_free(f);
	}
	k->spare_count = 0;
}

static size_t size_of(const struct toll_kafkain_flight *f)
{
	const struct toll_gather *g = &f->gather;

	return sizeof(*f) + g->wire.len + g->run.len + g->marks.len + g->notes.len;
}

/* ---- messages ---- */

static struct toll_kafkain_flight *
open_flight(struct toll_kafkain *k, struct toll_kafkain_partition *p, int64_t offset, uint64_t now)
{
	if (!p->open) {
		p->open = flight_new(k, p, offset);
		p->open_since = now;
	}
	return p->open;
}

static struct toll_kafka_message view(const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(m, &type);

	return (struct toll_kafka_message){ .value = m->payload,
		                            .len = m->len,
		                            .partition = m->partition,
		                            .offset = m->offset,
		                            .timestamp_ms = ms > 0 ? (uint64_t)ms : 0 };
}

static int gather(struct toll_kafkain *k, struct toll_kafkain_flight *f, rd_kafka_message_t *m)
{
	const struct toll_kafka_message message = view(m);
	struct toll_error why = { 0 };
	size_t before = size_of(f);
	int err = toll_gather_add(&f->gather, &message, &why);

	if (err == TOLL_ENOMEM)
		return err;
	if (err)
		toll_kafkain_skip(k, f->partition, m->offset,
		                  m->len ? TOLL_SKIP_MALFORMED : TOLL_SKIP_EMPTY, why.text);
	f->end = m->offset + 1;
	f->bytes += size_of(f) - before;
	k->held += size_of(f) - before;
	return 0;
}

void toll_kafkain_take(struct toll_kafkain *k, rd_kafka_message_t *m, uint64_t now)
{
	struct toll_kafkain_partition *p = toll_kafkain_partition(k, m->partition);
	struct toll_kafkain_flight *f = p ? open_flight(k, p, m->offset, now) : NULL;

	if (!p)
		return;
	if (!f || gather(k, f, m) < 0) {
		/* What comes behind must not be taken either: a new consumer begins here. */
		toll_kafkain_trouble(k, "out of memory", "messages wait in the topic");
		k->broken = true;
		return;
	}
	atomic_fetch_add_explicit(&k->counters->messages, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&k->counters->bytes, m->len, memory_order_relaxed);
	if (toll_gather_is_full(&f->gather))
		toll_kafkain_push(k, p, now);
}

/* ---- batches ---- */

static void append(struct toll_kafkain_partition *p, struct toll_kafkain_flight *f)
{
	if (p->tail)
		p->tail->next = f;
	else
		p->head = f;
	p->tail = f;
}

/* In place of f: a flight for each of its messages, so that a malformed one harms no other. */
static int split(struct toll_kafkain *k, struct toll_kafkain_flight *f)
{
	struct toll_kafkain_flight *head = NULL, **link = &head, *last = NULL;
	int err = 0;

	for (uint32_t i = 0; i < f->gather.messages && !err; i++) {
		struct toll_kafkain_flight *one = flight_new(k, f->partition, f->first);

		if (!one) {
			err = TOLL_ENOMEM;
			break;
		}
		*link = one;
		link = &one->next;
		err = toll_gather_single(&f->gather, i, &one->gather, &one->first);
		if (last)
			last->end = one->first;
		one->end = f->end;
		one->bytes = size_of(one);
		k->held += one->bytes;
		last = one;
	}
	if (err || !head) {
		while (head) {
			struct toll_kafkain_flight *next = head->next;

			toll_kafkain_recycle(k, head);
			head = next;
		}
		return err ? err : TOLL_EINVALID;
	}
	last->next = f->next;
	if (f->partition->tail == f)
		f->partition->tail = last;
	for (link = &f->partition->head; *link != f;)
		link = &(*link)->next;
	*link = head;
	toll_kafkain_recycle(k, f);
	return 0;
}

/* What cannot be decoded: alone it is passed over, among others these go alone. True: f is gone. */
static bool undecodable(struct toll_kafkain *k, struct toll_kafkain_flight *f, const char *why)
{
	if (f->gather.encoding != TOLL_KAFKA_JSON && f->gather.messages > 1) {
		if (split(k, f) == 0)
			return true;
		toll_kafkain_refused(k, f, TOLL_ENOMEM);
		return false;
	}
	toll_kafkain_skip(k, f->partition, f->first, TOLL_SKIP_MALFORMED, why);
	toll_kafkain_finish(k, f);
	return true;
}

/* False: it waits. */
static bool launch(struct toll_kafkain *k, struct toll_kafkain_flight *f)
{
	struct toll_host *host = k->super.super.host;
	struct toll_batch *b = NULL;
	struct toll_error why = { 0 };
	int err;

	if (!f->gather.messages) { /* all passed over */
		toll_kafkain_finish(k, f);
		return true;
	}
	err = toll_gather_batch(&f->gather, host ? toll_host_memory(host) : NULL, &b, &why);
	if (err && toll_err_retryable(err)) {
		toll_kafkain_refused(k, f, err);
		return false;
	}
	if (err)
		return undecodable(k, f, why.text);
	if (b->kept_count == 0) {
		toll_stat_add(k->super.super.stats, TOLL_STAT_RECEIVER_REJECTED_SPANS,
		              b->dropped_count);
		toll_kafkain_finish(k, f);
	} else {
		toll_kafkain_send(k, f, b);
	}
	toll_batch_unref(b);
	toll_kafkain_take_answers(k);
	return true;
}

static struct toll_kafkain_flight *first_ready(const struct toll_kafkain_partition *p)
{
	struct toll_kafkain_flight *f = p->head;

	while (f && f->state != TOLL_FLIGHT_READY)
		f = f->next;
	return f;
}

/* In the order of their offsets: one that is refused holds up those behind it. */
static void launch_ready(struct toll_kafkain *k, struct toll_kafkain_partition *p, uint64_t now)
{
	struct toll_kafkain_flight *f;

	while ((f = first_ready(p)) != NULL)
		if (f->not_before > now || !launch(k, f))
			break;
	p->waits = first_ready(p) != NULL;
}

static bool is_due(const struct toll_kafkain *k, const struct toll_kafkain_partition *p,
                   uint64_t now)
{
	return p->open &&
	       (toll_gather_is_full(&p->open->gather) || now - p->open_since >= k->config->linger);
}

void toll_kafkain_push(struct toll_kafkain *k, struct toll_kafkain_partition *p, uint64_t now)
{
	if (p->waits)
		launch_ready(k, p, now);
	if (p->waits || !is_due(k, p, now))
		return;
	if (toll_gather_close(&p->open->gather) < 0)
		return; /* out of memory: at the next turn */
	append(p, p->open);
	p->open = NULL;
	launch_ready(k, p, now);
}

uint64_t toll_kafkain_due(const struct toll_kafkain *k)
{
	uint64_t due = 0;

	for (const struct toll_kafkain_partition *p = k->partitions; p; p = p->next) {
		const struct toll_kafkain_flight *f = p->waits ? first_ready(p) : NULL;
		uint64_t at = 0;

		if (f)
			at = f->not_before;
		else if (p->open)
			at = p->open_since + k->config->linger;
		if (at && (!due || at < due))
			due = at;
	}
	return due;
}
