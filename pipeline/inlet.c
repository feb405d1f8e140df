/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/inlet.h"

#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/fingerprints.h"
#include "pipeline/once.h"
#include "proto/operation.h"

int toll_chain_run(const struct toll_chain *c, struct toll_batch *batch, struct toll_traced *traced)
{
	uint64_t begin = toll_clock_mono_ns(), end;
	int err = 0;

	for (size_t i = 0; i < c->count && !err; i++) {
		const struct toll_stage *s = &c->stages[i];

		toll_stat_add(s->stats, TOLL_STAT_PROCESSOR_INCOMING_ITEMS, batch->kept_count);
		err = s->processor->process(s->processor, batch);
		end = toll_clock_mono_ns();
		toll_stat_add(s->stats, TOLL_STAT_PROCESSOR_DURATION_NS, end - begin);
		if (traced)
			toll_traced_step(traced, batch, s->processor->super.id.text, end - begin,
			                 err);
		begin = end;
		if (!err)
			toll_stat_add(s->stats, TOLL_STAT_PROCESSOR_OUTGOING_ITEMS,
			              batch->kept_count);
	}
	return err;
}

/* For every leg that is needed and goes on from `from`: what is there now, as views of its own. */
static int clone_onward(const struct toll_route *r, uint32_t from, uint64_t needed,
                        struct toll_batch *batch, struct toll_batch **batches)
{
	for (size_t i = 0; i < r->count; i++) {
		int err = 0;

		if ((needed >> i & 1) && r->legs[i].from == from && !batches[i])
			err = toll_batch_clone(batch, &batches[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Exporters key by operation. Processors that need it derive it for the whole batch, so the first
 * span tells for all. */
static void derive_operations(struct toll_batch *b)
{
	uint32_t i = 0;

	while (i < b->span_count && b->spans[i].dropped)
		i++;
	if (i < b->span_count && !b->spans[i].operation.len)
		toll_batch_derive_operations(b, NULL);
}

static int run_chain(const struct toll_route *r, const struct toll_chain *c,
                     struct toll_batch *batch)
{
	struct toll_traced *traced = r->trace ? toll_trace_begin(r->trace, c->id, batch) : NULL;
	int err = toll_chain_run(c, batch, traced);

	if (traced)
		toll_trace_end(r->trace, traced);
	return err;
}

/* Legs that are not skipped, and those that they go on from. */
static uint64_t needed_legs(const struct toll_route *r, uint64_t skip)
{
	uint64_t needed = ~skip;

	for (size_t i = r->count; i-- > 0;)
		if ((needed >> i & 1) && r->legs[i].from != TOLL_LEG_ARRIVED)
			needed |= UINT64_C(1) << r->legs[i].from;
	return needed;
}

/* What goes on from a leg knows what that one knows; a leg that is skipped is asked for the others'
 * sake only. */
static void drop_known_spans(const struct toll_leg *l, struct toll_batch *b)
{
	if (l->from == TOLL_LEG_ARRIVED && l->chain->fingerprints)
		toll_fingerprints_drop(l->chain->fingerprints, b);
}

/* The first leg works on the batch itself, others on clones of it as it arrived, or as another leg
 * has left it: those come later in the list. */
static int process(const struct toll_route *r, const struct toll_once_view *once,
                   struct toll_batch **batches)
{
	uint64_t needed = needed_legs(r, once->skip);
	int err = clone_onward(r, TOLL_LEG_ARRIVED, needed, batches[0], batches);

	for (uint32_t i = 0; i < r->count && !err; i++) {
		if (!(needed >> i & 1))
			continue;
		if (once->own && !(once->skip >> i & 1))
			drop_known_spans(&r->legs[i], batches[i]);
		err = run_chain(r, r->legs[i].chain, batches[i]);
		if (err)
			break;
		derive_operations(batches[i]);
		err = clone_onward(r, i, needed, batches[i], batches);
		toll_batch_seal(batches[i]);
	}
	return err;
}

static void tap(const struct toll_tap *t, const struct toll_batch *batch)
{
	uint64_t spans = batch->kept_count;

	toll_stat_add(t->stats, TOLL_STAT_CONNECTOR_CONSUMED_ITEMS, spans);
	toll_stat_add(t->stats, TOLL_STAT_CONNECTOR_PRODUCED_ITEMS, spans * t->onward);
	if (t->connector->observe && spans)
		t->connector->observe(t->connector, batch);
}

static void account(const struct toll_route *r, struct toll_tally *tally, struct toll_batch *batch)
{
	if (toll_tally_add(tally, batch) && r->unpriced)
		toll_unpriced_table_add(r->unpriced, batch);
	if (r->recent)
		toll_recent_add(r->recent, batch);
}

/* Accepted for good: a request that was refused and comes again counts once. */
static void accepted(void *ctx, struct toll_batch *const *batches, uint64_t which)
{
	const struct toll_route *r = ctx;

	for (size_t i = 0; i < r->count; i++)
		if ((which >> i & 1) && r->legs[i].chain->tally)
			account(r, r->legs[i].chain->tally, batches[i]);
	for (size_t i = 0; i < r->tap_count; i++)
		if (which >> r->taps[i].leg & 1)
			tap(&r->taps[i], batches[r->taps[i].leg]);
}

/* What a skipped leg has left was for those behind it. */
static void offer(const struct toll_route *r, uint64_t skip, struct toll_batch *const *batches,
                  struct toll_ack *ack)
{
	struct toll_batch *offered[TOLL_FANOUT_MAX];

	for (size_t i = 0; i < r->count; i++)
		offered[i] = skip >> i & 1 ? NULL : batches[i];
	toll_fanout_offer(&r->fanout, offered, ack);
}

static void run(const struct toll_route *r, struct toll_batch *batch,
                const struct toll_once_view *once, struct toll_ack *ack)
{
	struct toll_batch *batches[TOLL_FANOUT_MAX] = { batch };
	int err = process(r, once, batches);

	if (once->own)
		ack = toll_once_ack(once->own, batches);
	if (err)
		ack->done(ack, err);
	else
		offer(r, once->skip, batches, ack);
	for (size_t i = 1; i < r->count; i++)
		toll_batch_unref(batches[i]);
}

static void admit(const struct toll_route *r, struct toll_batch *batch, struct toll_ack *ack)
{
	struct toll_once_view once = { 0 };
	int state = ack->sender ? toll_once_begin(r, batch, ack, &once) : TOLL_REPEATS_NEW;

	switch (state) {
	case TOLL_REPEATS_NEW:
		run(r, batch, &once, ack);
		break;
	case TOLL_REPEATS_KNOWN:
		ack->repeated = true;
		ack->done(ack, 0);
		break;
	case TOLL_REPEATS_WAITS:
		break;
	default:
		ack->done(ack, state < 0 ? state : TOLL_ETOOMANY);
	}
}

static void consume(struct toll_consumer *self, struct toll_batch *batch, struct toll_ack *ack)
{
	struct toll_inlet *in = toll_container_of(self, struct toll_inlet, consumer);
	struct toll_shared *shared = toll_snapshot_get(&in->route);

	if (shared)
		admit(toll_container_of(shared, struct toll_route, shared), batch, ack);
	else
		ack->done(ack, TOLL_ESHUTDOWN);
	toll_shared_unref(shared);
}

/* ---- life ---- */

static void destroy(struct toll_shared *shared)
{
	free(toll_container_of(shared, struct toll_route, shared));
}

struct toll_route *toll_route_new(void)
{
	struct toll_route *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	toll_shared_init(&r->shared, destroy);
	r->fanout.accepted = accepted;
	r->fanout.ctx = r;
	r->fanout.owner = &r->shared;
	return r;
}

bool toll_route_is_idle(const struct toll_route *r)
{
	return atomic_load_explicit(&r->shared.refs, memory_order_acquire) == 1;
}

struct toll_route *toll_route_free(struct toll_route *r)
{
	toll_shared_unref(r ? &r->shared : NULL);
	return NULL;
}

void toll_inlet_init(struct toll_inlet *in)
{
	*in = (struct toll_inlet){ { consume }, TOLL_SNAPSHOT_INIT };
}

void toll_inlet_set(struct toll_inlet *in, struct toll_route *route)
{
	toll_snapshot_set(&in->route, toll_shared_ref(route ? &route->shared : NULL));
}
