/* SPDX-License-Identifier: Apache-2.0 */
/* shipment.c - one delivery on its way: a request, or one after another where it is too large for
 * one. Begins on the runner's thread, goes on with each answer on the gRPC client's. */
#include <stdlib.h>

#include "base/log.h"
#include "exporters/otlp/otlp.h"
#include "exporters/otlp/piece.h"
#include "exporters/otlp/verdict.h"

#define METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
/* What one refusal teaches goes no lower, lest a confused server slows us down for ever. */
#define REQUEST_MIN ((size_t)64 << 10)

struct shipment {
	struct toll_otlp_out *out;
	struct toll_delivery *delivery;
	struct toll_otlp_out_piece piece; /* the one on its way */
	size_t request_max;
	uint32_t done, lost; /* of the delivery's spans; lost are done too */
	int err;             /* of a piece that was refused */
};

static const char *who(const struct shipment *s)
{
	return s->out->super.super.who;
}

static void finish(struct shipment *s, int err)
{
	struct toll_delivery *d = s->delivery;

	d->done_count = s->done;
	d->lost_count = s->lost;
	free(s);
	toll_delivery_done(d, err);
}

static void count_lost(struct shipment *s, enum toll_otlp_out_loss reason, uint32_t spans)
{
	s->lost += spans;
	atomic_fetch_add_explicit(&s->out->lost[reason], spans, memory_order_relaxed);
}

/* ---- the ends of a piece ---- */

static void lose(struct shipment *s, enum toll_otlp_out_loss reason, int status,
                 struct toll_slice message)
{
	struct toll_lost lost = toll_otlp_out_piece_lost(&s->piece);
	char dollars[TOLL_LOST_TEXT];

	TOLL_FAULT(who(s), "lost %u spans worth %s in a request of %zu bytes: %s: %.*s",
	           s->piece.kept, toll_lost_dollars(&lost, dollars), s->piece.size,
	           toll_otlp_out_status_name(status), TOLL_FMT(message));
	toll_otlp_out_trouble(s->out, toll_otlp_out_status_name(status), message);
	count_lost(s, reason, s->piece.kept);
	s->done += s->piece.kept;
	s->err = TOLL_EREFUSED;
}

static void accepted(struct shipment *s, const struct toll_grpc_reply *r,
                     const struct toll_otlp_out_verdict *v)
{
	uint32_t rejected = v->rejected < s->piece.kept ? (uint32_t)v->rejected : s->piece.kept;

	if (rejected)
		TOLL_FAULT(who(s), "the destination rejected %u of %u spans: %.*s", rejected,
		           s->piece.kept, TOLL_FMT(v->message));
	else if (v->message.len)
		TOLL_WARN(who(s), "the destination took %u spans with a warning: %.*s",
		          s->piece.kept, TOLL_FMT(v->message));
	if (r->unreadable)
		TOLL_WARN(who(s), "the destination took %u spans; its answer cannot be read",
		          s->piece.kept);
	count_lost(s, TOLL_OTLP_OUT_LOST_REJECTED, rejected);
	s->done += s->piece.kept;
	toll_otlp_out_well(s->out);
}

/* Halves, this time and from now on. */
static void shrink(struct shipment *s)
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

static void on_reply(void *ctx, const struct toll_grpc_reply *r);

/* 0: on its way, s is the answer's. */
static int send_piece(struct shipment *s)
{
	uint64_t timeout = s->out->config->common.timeout;
	struct toll_grpc_request q = { METHOD, malloc(s->piece.size + 1), s->piece.size,
		                       timeout ? timeout : UINT64_MAX };

	if (!q.take_body)
		return TOLL_ENOMEM;
	toll_otlp_out_piece_encode(&s->piece, q.take_body);
	return toll_grpc_client_send(s->out->client, &q, on_reply, s);
}

static void send_next(struct shipment *s)
{
	int err = s->err;

	if (toll_otlp_out_piece_next(s->delivery, s->done, s->request_max, &s->piece)) {
		err = atomic_load_explicit(&s->out->stopping, memory_order_relaxed) ? TOLL_ESHUTDOWN
		                                                                    : send_piece(s);
		if (!err)
			return;
	}
	finish(s, err);
}

static void on_reply(void *ctx, const struct toll_grpc_reply *r)
{
	struct shipment *s = ctx;
	struct toll_otlp_out_verdict v = toll_otlp_out_verdict(r, s->piece.size);

	switch (v.fate) {
	case TOLL_OTLP_OUT_SENT:
		accepted(s, r, &v);
		break;
	case TOLL_OTLP_OUT_RETRY:
		toll_otlp_out_trouble(s->out, toll_otlp_out_status_name(r->status), v.message);
		s->delivery->retry_after_ns = v.retry_after_ns;
		finish(s, v.err);
		return;
	case TOLL_OTLP_OUT_TOO_LARGE:
		if (s->piece.kept > 1)
			shrink(s);
		else
			lose(s, TOLL_OTLP_OUT_LOST_TOO_LARGE, r->status, v.message);
		break;
	case TOLL_OTLP_OUT_REFUSED:
		lose(s, TOLL_OTLP_OUT_LOST_REFUSED, r->status, v.message);
		break;
	}
	send_next(s);
}

int toll_otlp_out_ship(struct toll_otlp_out *o, struct toll_delivery *d)
{
	struct shipment *s = malloc(sizeof(*s));

	if (!s)
		return TOLL_ENOMEM;
	*s = (struct shipment){
		.out = o,
		.delivery = d,
		.request_max = atomic_load_explicit(&o->request_max, memory_order_relaxed),
		.done = d->done_count,
		.lost = d->lost_count,
	};
	send_next(s);
	return 0;
}
