/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/otlp_out.h"

#include <stdlib.h>

#include "base/log.h"

/* What one refusal teaches goes no lower, lest a confused server slows us down for ever. */
#define REQUEST_MIN ((size_t)64 << 10)

struct toll_otlp_shipment {
	struct toll_otlp_out *out;
	struct toll_delivery *delivery;
	struct toll_otlp_piece piece; /* the one on its way */
	size_t request_max;
	uint32_t done, lost; /* of the delivery's spans; lost are done too */
	int err;             /* of a piece that was refused */
};

static const char *who(const struct toll_otlp_shipment *s)
{
	return s->out->super.super.who;
}

static void finish(struct toll_otlp_shipment *s, int err)
{
	struct toll_delivery *d = s->delivery;

	d->done_count = s->done;
	d->lost_count = s->lost;
	free(s);
	toll_delivery_done(d, err);
}

static void count_lost(struct toll_otlp_shipment *s, enum toll_otlp_out_loss reason, uint32_t spans)
{
	s->lost += spans;
	atomic_fetch_add_explicit(&s->out->lost[reason], spans, memory_order_relaxed);
}

/* ---- the ends of a piece ---- */

static void lose(struct toll_otlp_shipment *s, enum toll_otlp_out_loss reason,
                 const struct toll_otlp_out_verdict *v)
{
	struct toll_lost lost = toll_otlp_piece_lost(&s->piece);
	char dollars[TOLL_LOST_TEXT];

	TOLL_FAULT(who(s), "lost %u span%s worth %s in a request of %zu bytes: %s%s%.*s",
	           s->piece.kept, TOLL_PLURAL(s->piece.kept), toll_lost_dollars(&lost, dollars),
	           s->piece.size, v->status, v->message.len ? ": " : "", TOLL_FMT(v->message));
	toll_otlp_out_trouble(s->out, v->status, v->message);
	count_lost(s, reason, s->piece.kept);
	s->done += s->piece.kept;
	s->err = TOLL_EREFUSED;
}

static void accepted(struct toll_otlp_shipment *s, const struct toll_otlp_out_verdict *v)
{
	uint32_t rejected = v->rejected < s->piece.kept ? (uint32_t)v->rejected : s->piece.kept;

	if (rejected)
		TOLL_FAULT(who(s), "the destination rejected %u of %u span%s: %.*s", rejected,
		           s->piece.kept, TOLL_PLURAL(s->piece.kept), TOLL_FMT(v->message));
	else if (v->message.len)
		TOLL_WARN(who(s), "the destination took %u span%s with a warning: %.*s",
		          s->piece.kept, TOLL_PLURAL(s->piece.kept), TOLL_FMT(v->message));
	if (v->unreadable)
		TOLL_WARN(who(s), "the destination took %u span%s; its answer cannot be read",
		          s->piece.kept, TOLL_PLURAL(s->piece.kept));
	count_lost(s, TOLL_OTLP_OUT_LOST_REJECTED, rejected);
	s->done += s->piece.kept;
	toll_otlp_out_well(s->out);
}

/* Halves, this time and from now on. */
static void shrink(struct toll_otlp_shipment *s)
{
	size_t learned = s->piece.size / 2, known;

	s->request_max = learned;
	if (learned < REQUEST_MIN)
		learned = REQUEST_MIN;
	known = atomic_load_explicit(&s->out->request_max, memory_order_relaxed);
	while (learned < known)
		if (atomic_compare_exchange_weak_explicit(&s->out->request_max, &known, learned,
		                                          memory_order_relaxed,
		                                          memory_order_relaxed))
			TOLL_INFO(who(s), "requests are at most %zu bytes from now on", learned);
}

/* ---- pieces ---- */

static void send_next(struct toll_otlp_shipment *s)
{
	struct toll_otlp_out *o = s->out;
	int err = s->err;

	if (toll_otlp_piece_next(s->delivery, s->done, s->request_max, &s->piece)) {
		err = atomic_load_explicit(&o->stopping, memory_order_relaxed)
		              ? TOLL_ESHUTDOWN
		              : o->send(o, &s->piece, s);
		if (!err)
			return;
	}
	finish(s, err);
}

const struct toll_otlp_piece *toll_otlp_out_piece(const struct toll_otlp_shipment *s)
{
	return &s->piece;
}

void toll_otlp_out_answered(struct toll_otlp_shipment *s, const struct toll_otlp_out_verdict *v)
{
	switch (v->fate) {
	case TOLL_OTLP_OUT_SENT:
		accepted(s, v);
		break;
	case TOLL_OTLP_OUT_RETRY:
		toll_otlp_out_trouble(s->out, v->status, v->message);
		s->delivery->retry_after_ns = v->retry_after_ns;
		finish(s, v->err);
		return;
	case TOLL_OTLP_OUT_TOO_LARGE:
		if (s->piece.kept > 1)
			shrink(s);
		else
			lose(s, TOLL_OTLP_OUT_LOST_TOO_LARGE, v);
		break;
	case TOLL_OTLP_OUT_REFUSED:
		lose(s, TOLL_OTLP_OUT_LOST_REFUSED, v);
		break;
	}
	send_next(s);
}

static int export_parts(struct toll_exporter *e, struct toll_delivery *d)
{
	struct toll_otlp_out *o = toll_container_of(e, struct toll_otlp_out, super);
	struct toll_otlp_shipment *s = malloc(sizeof(*s));

	if (!s)
		return TOLL_ENOMEM;
	*s = (struct toll_otlp_shipment){
		.out = o,
		.delivery = d,
		.request_max = atomic_load_explicit(&o->request_max, memory_order_relaxed),
		.done = d->done_count,
		.lost = d->lost_count,
	};
	send_next(s);
	return 0;
}

/* ---- life ---- */

void toll_otlp_out_init(struct toll_otlp_out *o, const struct toll_component_ops *ops,
                        const struct toll_settings *set,
                        int (*send)(struct toll_otlp_out *o, const struct toll_otlp_piece *piece,
                                    struct toll_otlp_shipment *s))
{
	toll_component_init(&o->super.super, ops, set);
	o->super.export_parts = export_parts;
	o->send = send;
	o->metrics.collect = toll_otlp_out_collect;
	atomic_init(&o->request_max, TOLL_OTLP_OUT_REQUEST_MAX);
	pthread_mutex_init(&o->lock, NULL);
}

void toll_otlp_out_started(struct toll_otlp_out *o)
{
	toll_host_metrics_add(o->super.super.host, &o->metrics);
	o->listed = true;
}

void toll_otlp_out_stop(struct toll_otlp_out *o)
{
	atomic_store_explicit(&o->stopping, true, memory_order_relaxed);
}

void toll_otlp_out_release(struct toll_otlp_out *o)
{
	if (o->listed)
		toll_host_metrics_remove(o->super.super.host, &o->metrics);
	pthread_mutex_destroy(&o->lock);
}
