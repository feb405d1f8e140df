/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/delivery.h"

#include <assert.h>
#include <stdlib.h>

void toll_kafka_list_push(struct toll_kafka_list *l, struct toll_kafka_record *r)
{
	r->next = NULL;
	if (l->tail)
		l->tail->next = r;
	else
		l->head = r;
	l->tail = r;
}

void toll_kafka_list_push_front(struct toll_kafka_list *l, struct toll_kafka_record *r)
{
	r->next = l->head;
	l->head = r;
	if (!l->tail)
		l->tail = r;
}

struct toll_kafka_record *toll_kafka_list_pop(struct toll_kafka_list *l)
{
	struct toll_kafka_record *r = l->head;

	if (!r)
		return NULL;
	l->head = r->next;
	if (!l->head)
		l->tail = NULL;
	r->next = NULL;
	return r;
}

void toll_kafka_store_init(struct toll_kafka_store *s)
{
	*s = (struct toll_kafka_store){ 0 };
	s->live.prev = s->live.next = &s->live;
}

void toll_kafka_store_release(struct toll_kafka_store *s)
{
	struct toll_kafka_chunk *c = s->live.next;

	while (c && c != &s->live) {
		struct toll_kafka_chunk *next = c->next;

		free(c);
		c = next;
	}
	free(s->spare);
	toll_kafka_store_init(s);
}

static struct toll_kafka_chunk *chunk_new(struct toll_kafka_store *s, size_t room)
{
	struct toll_kafka_chunk *c = NULL;

	if (room > UINT32_MAX)
		return NULL;
	if (room == TOLL_KAFKA_CHUNK && s->spare) {
		c = s->spare;
		s->spare = NULL;
	} else {
		c = malloc(sizeof(*c) + room);
	}
	if (!c)
		return NULL;
	c->open = c->used = 0;
	c->room = (uint32_t)room;
	c->prev = s->live.prev;
	c->next = &s->live;
	c->prev->next = c->next->prev = c;
	s->held += room;
	return c;
}

/* Given back at once rather than kept for reuse: freeing a block of this size makes glibc join its
 * small free blocks, librdkafka's, and that is what keeps those of one message close together
 * (measured: a list of spares costs 1 us per message with headers). One is kept, so that a trickle
 * does not malloc. */
static void chunk_retire(struct toll_kafka_store *s, struct toll_kafka_chunk *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
	s->held -= c->room;
	if (c->room == TOLL_KAFKA_CHUNK && !s->spare)
		s->spare = c;
	else
		free(c);
}

_Static_assert(sizeof(struct toll_kafka_chunk) % _Alignof(struct toll_kafka_record) == 0,
               "records may follow a chunk's head");

static char *bytes_of(struct toll_kafka_chunk *c)
{
	return (char *)(c + 1);
}

/* Records start where a record may start. */
static size_t padded(size_t n)
{
	return (n + _Alignof(struct toll_kafka_record) - 1) &
	       ~(_Alignof(struct toll_kafka_record) - 1);
}

struct toll_kafka_record *toll_kafka_store_reserve(struct toll_kafka_store *s, size_t bound)
{
	size_t need = padded(sizeof(struct toll_kafka_record) + bound);
	struct toll_kafka_chunk *c = s->filling;
	struct toll_kafka_record *r;

	if (!c || need > c->room - c->used) {
		struct toll_kafka_chunk *more =
			chunk_new(s, need > TOLL_KAFKA_CHUNK ? need : TOLL_KAFKA_CHUNK);

		if (!more)
			return NULL;
		s->filling = more;
		if (c && c->open == 0)
			chunk_retire(s, c);
		c = more;
	}
	r = (struct toll_kafka_record *)(void *)(bytes_of(c) + c->used);
	*r = (struct toll_kafka_record){ .chunk = c };
	return r;
}

void toll_kafka_store_commit(struct toll_kafka_store *s, struct toll_kafka_record *r,
                             struct toll_kafka_flight *flight)
{
	struct toll_kafka_chunk *c = r->chunk;

	assert(c == s->filling);
	c->used += (uint32_t)padded(sizeof(*r) + r->size);
	assert(c->used <= c->room);
	c->open++;
	r->flight = flight;
	r->state = TOLL_KAFKA_READY;
	flight->open++;
}

bool toll_kafka_store_finish(struct toll_kafka_store *s, struct toll_kafka_record *r)
{
	struct toll_kafka_flight *f = r->flight;
	struct toll_kafka_chunk *c = r->chunk;

	assert(r->state != TOLL_KAFKA_DONE);
	r->state = TOLL_KAFKA_DONE;
	if (--c->open == 0) {
		if (c == s->filling)
			s->filling = NULL;
		chunk_retire(s, c);
	}
	return --f->open == 0 && f->encoded;
}

void toll_kafka_store_recall(struct toll_kafka_store *s, struct toll_kafka_list *l)
{
	for (struct toll_kafka_chunk *c = s->live.next; c != &s->live; c = c->next) {
		for (uint32_t at = 0; at < c->used;) {
			struct toll_kafka_record *r = (void *)(bytes_of(c) + at);

			at += (uint32_t)padded(sizeof(*r) + r->size);
			if (r->state != TOLL_KAFKA_SENT)
				continue;
			r->state = TOLL_KAFKA_READY;
			toll_kafka_list_push(l, r);
		}
	}
}
