/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/once.h"

#include <string.h>

#include "base/hash.h"
#include "pipeline/fingerprints.h"
#include "pipeline/inlet.h"
#include "proto/batch.h"

struct leg {
	struct toll_repeat repeat;
	struct toll_repeats *ring;         /* NULL: nothing to settle */
	struct toll_repeats *fingerprints; /* where its spans go once all is taken; or NULL */
	struct toll_batch *batch;          /* a reference; NULL: it has come to nothing */
};

/* Lies in the batch that arrived. */
struct toll_once {
	struct toll_ack ack; /* for the pipelines */
	struct toll_ack *client;
	size_t count;
	struct leg legs[];
};

uint64_t toll_once_salt(uint64_t before, const char *pipeline, const char *connector)
{
	uint64_t salt = toll_hash_seeded(toll_slice_str(pipeline), before);

	return toll_hash_seeded(toll_slice_str(connector), salt);
}

/* A batch that is written down will be delivered, whatever the client hears: its copy is not. */
static bool was_taken(const struct leg *l, int err)
{
	return !err || (l->batch && l->batch->origin.epoch[0]);
}

/* Not before all of the request is taken: what goes on from a leg is known by that leg. */
static void remember_spans(const struct toll_once *o)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->legs[i].fingerprints && o->legs[i].batch)
			toll_fingerprints_remember(o->legs[i].fingerprints, o->legs[i].batch);
}

/* Every leg's entry is there or gone before anybody hears of it: who hears may come again at once.
 * Returns all who wait. */
static struct toll_ack *settle(struct toll_once *o, int err)
{
	struct toll_ack *waiters = NULL, **end = &waiters;

	for (size_t i = 0; i < o->count; i++) {
		struct leg *l = &o->legs[i];

		if (!l->ring)
			continue;
		*end = toll_repeats_settle(l->ring, &l->repeat, was_taken(l, err));
		while (*end)
			end = &(*end)->next;
	}
	return waiters;
}

static void answered(struct toll_ack *ack, int err)
{
	struct toll_once *o = toll_container_of(ack, struct toll_once, ack);
	struct toll_ack *waiters;
	struct toll_batch *batches[TOLL_FANOUT_MAX];
	size_t count = o->count;

	if (!err)
		remember_spans(o);
	waiters = settle(o, err);
	for (size_t i = 0; i < count; i++)
		batches[i] = o->legs[i].batch;
	o->client->done(o->client, err);
	toll_repeats_answer(waiters, err);
	for (size_t i = 0; i < count; i++) /* the last one takes o with it */
		toll_batch_unref(batches[i]);
}

/* Somebody else has a part of it: those legs that were begun wait for nobody. */
static void give_up(struct toll_once *o)
{
	toll_repeats_answer(settle(o, TOLL_ETOOMANY), TOLL_ETOOMANY);
}

static int begin_leg(const struct toll_route *r, size_t i, const struct toll_batch *batch,
                     struct toll_ack *ack, struct leg *l)
{
	struct toll_repeats *ring = r->legs[i].chain->repeats;
	int state;

	if (r->legs[i].from == TOLL_LEG_ARRIVED)
		l->fingerprints = r->legs[i].chain->fingerprints;
	if (!ring)
		return TOLL_REPEATS_NEW;
	l->repeat.way = r;
	toll_repeats_digest(ring, batch->wire, ack->sender, r->legs[i].salt, l->repeat.digest);
	state = (int)toll_repeats_begin(ring, &l->repeat, ack);
	if (state == TOLL_REPEATS_NEW)
		l->ring = ring;
	return state;
}

static struct toll_once *once_new(struct toll_batch *batch, struct toll_ack *ack, size_t legs)
{
	size_t size = sizeof(struct toll_once) + legs * sizeof(struct leg);
	struct toll_once *o = toll_arena_alloc(&batch->arena, size, _Alignof(struct toll_once));

	if (!o)
		return NULL;
	memset(o, 0, size);
	o->ack = (struct toll_ack){ .done = answered, .level = ack->level };
	o->client = ack;
	o->count = legs;
	return o;
}

int toll_once_begin(const struct toll_route *r, struct toll_batch *batch, struct toll_ack *ack,
                    struct toll_once_view *ret)
{
	struct toll_once *o = once_new(batch, ack, r->count);
	size_t known = 0;

	if (!o)
		return batch->arena.err;
	*ret = (struct toll_once_view){ .own = o };
	for (size_t i = 0; i < r->count; i++) {
		int state = begin_leg(r, i, batch, ack, &o->legs[i]);

		if (state == TOLL_REPEATS_KNOWN) {
			ret->skip |= UINT64_C(1) << i;
			known++;
		} else if (state != TOLL_REPEATS_NEW) {
			give_up(o);
			return state;
		}
	}
	return known == r->count ? TOLL_REPEATS_KNOWN : TOLL_REPEATS_NEW;
}

struct toll_ack *toll_once_ack(struct toll_once *o, struct toll_batch *const *batches)
{
	for (size_t i = 0; i < o->count; i++) {
		struct leg *l = &o->legs[i];

		if (!batches[i] || !batches[i]->sealed)
			continue; /* skipped, or refused by a processor */
		l->batch = toll_batch_ref(batches[i]);
		if (!l->ring)
			continue;
		batches[i]->digest[0] = l->repeat.digest[0];
		batches[i]->digest[1] = l->repeat.digest[1];
	}
	return &o->ack;
}
