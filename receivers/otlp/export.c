/* SPDX-License-Identifier: Apache-2.0 */
/* export.c - the way of one request: budget, bytes, views, pipelines, answer. */
#include <stdlib.h>

#include "base/memory.h"
#include "pipeline/host.h"
#include "proto/otlp_decode.h"
#include "receivers/otlp/otlp.h"
#include "receivers/otlp/response.h"

static struct toll_stats *stats_of(const struct toll_otlp_request *r)
{
	return r->engine->receiver->super.super.stats;
}

static struct toll_memory *memory_of(const struct toll_otlp_request *r)
{
	return toll_host_memory(r->engine->receiver->super.super.host);
}

static void count(struct toll_otlp_engine *e, enum toll_outcome outcome)
{
	atomic_fetch_add_explicit(&e->outcomes[outcome], 1, memory_order_relaxed);
}

/* Refused before it was known how many spans there are. */
static void refuse(struct toll_otlp_request *r, int err, const char *why)
{
	count(r->engine, toll_err_retryable(err) ? TOLL_OUTCOME_REFUSED : TOLL_OUTCOME_FAILURE);
	r->engine->ops->answer(r, err, why, toll_slice(NULL, 0));
}

/* Only with a final answer: those of a request that is to come again would count twice. */
static void count_rejected(struct toll_otlp_request *r)
{
	if (r->rejected)
		toll_stat_add(stats_of(r), TOLL_STAT_RECEIVER_REJECTED_SPANS, r->rejected);
}

static void accept(struct toll_otlp_request *r)
{
	char buf[TOLL_RESPONSE_MAX];

	count_rejected(r);
	count(r->engine, TOLL_OUTCOME_SUCCESS);
	r->engine->ops->answer(r, 0, NULL, toll_otlp_response(r->rejected, r->reason, buf));
}

/* The pipelines' answer; any thread. */
static void on_ack(struct toll_ack *ack, int err)
{
	struct toll_otlp_request *r = toll_container_of(ack, struct toll_otlp_request, ack);

	if (!err) {
		toll_stat_add(stats_of(r), TOLL_STAT_RECEIVER_ACCEPTED_SPANS, r->spans);
		accept(r);
		return;
	}
	toll_stat_add(stats_of(r),
	              toll_err_retryable(err) ? TOLL_STAT_RECEIVER_REFUSED_SPANS
	                                      : TOLL_STAT_RECEIVER_FAILED_SPANS,
	              r->spans);
	if (!toll_err_retryable(err))
		count_rejected(r);
	refuse(r, err, toll_err_text(err));
}

/* ---- bytes ---- */

static int receive_plain(struct toll_otlp_request *r, size_t size, struct toll_batch **ret)
{
	char *wire;
	int err = toll_batch_new(size, memory_of(r), &wire, ret);

	if (!err)
		r->engine->ops->take(r, wire);
	return err;
}

/* Straight into a batch's own buffer; a larger one as long as it proves too small. */
static int inflate(struct toll_otlp_request *r, struct toll_inflater *z, struct toll_slice body,
                   struct toll_batch **ret)
{
	size_t max = r->engine->max_message_bytes;
	size_t room = toll_gzip_hint(body, max);

	for (;;) {
		char *wire;
		size_t size;
		int err = toll_batch_new(room, memory_of(r), &wire, ret);

		if (err)
			return err;
		err = toll_gunzip(z, body, wire, room, &size);
		if (!err) {
			(*ret)->wire.len = size;
			return 0;
		}
		*ret = toll_batch_unref(*ret);
		if (err != TOLL_EFULL)
			return err;
		if (room == max)
			return TOLL_ETOOBIG;
		room = room > max / 4 ? max : room * 4;
	}
}

static int receive_gzip(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                        struct toll_batch **ret)
{
	struct toll_inflater *z = &r->engine->inflaters[body->worker];
	char *bytes;
	int err = TOLL_ENOMEM;

	if (!toll_memory_charge(memory_of(r), body->size))
		return TOLL_EFULL;
	bytes = toll_inflater_body(z, body->size);
	if (bytes) {
		r->engine->ops->take(r, bytes);
		err = inflate(r, z, toll_slice(bytes, body->size), ret);
	}
	toll_inflater_trim(z);
	toll_memory_release(memory_of(r), body->size);
	return err;
}

/* ---- the whole ---- */

static void note_rejected(struct toll_otlp_request *r, const struct toll_batch *b)
{
	r->rejected = b->dropped_count;
	for (uint32_t i = 0; r->rejected && i < b->span_count && !r->reason; i++)
		r->reason = b->spans[i].dropped;
}

/* Compressions that SDKs know and we do not. Core tells us only that the message is not gzip, so
 * they are told by their first bytes, none of which can begin an OTLP request. */
static bool is_compressed(struct toll_slice wire)
{
	return wire.len >= 4 && (memcmp(wire.ptr, "\x28\xb5\x2f\xfd", 4) == 0 || /* zstd */
	                         memcmp(wire.ptr, "\xff\x06\0\0", 4) == 0);      /* snappy */
}

static const char *sentence_for(const struct toll_otlp_request *r, int err)
{
	switch (err) {
	case TOLL_ETOOBIG:
		return r->engine->ops->too_big;
	case TOLL_EINVALID:
		return "the body is not valid gzip";
	case TOLL_EFULL:
		return "the process is at its memory limit";
	case TOLL_EUNSUPPORTED:
		return "unknown compression: send gzip or identity";
	default:
		return toll_err_text(err);
	}
}

/* Borrows b. r may be gone when this returns. */
static void hand_over(struct toll_otlp_request *r, struct toll_batch *b)
{
	struct toll_consumer *next = r->engine->receiver->super.next;
	const char *why = NULL;
	int err = toll_otlp_decode(b, &why);

	if (err) {
		if (is_compressed(b->wire))
			err = TOLL_EUNSUPPORTED;
		refuse(r, err, why && err != TOLL_EUNSUPPORTED ? why : sentence_for(r, err));
		return;
	}
	note_rejected(r, b);
	r->spans = b->kept_count;
	if (r->spans == 0) {
		accept(r);
		return;
	}
	r->ack = (struct toll_ack){ on_ack,
		                    (enum toll_ack_level)r->engine->receiver->config->acknowledge };
	next->consume(next, b, &r->ack);
}

static int receive(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                   struct toll_batch **ret)
{
	int err = TOLL_EUNSUPPORTED;

	if (body->encoding == TOLL_ENCODING_IDENTITY)
		err = receive_plain(r, body->size, ret);
	else if (body->encoding == TOLL_ENCODING_GZIP)
		err = receive_gzip(r, body, ret);
	if (!err)
		(*ret)->peer = toll_arena_strdup(&(*ret)->arena, toll_slice_str(body->peer));
	return err;
}

void toll_otlp_export(struct toll_otlp_engine *e, struct toll_otlp_request *r,
                      const struct toll_otlp_body *body)
{
	struct toll_batch *b = NULL;
	int err;

	*r = (struct toll_otlp_request){ .engine = e };
	err = receive(r, body, &b);
	if (err) {
		refuse(r, err, sentence_for(r, err));
		return;
	}
	hand_over(r, b);
	toll_batch_unref(b);
}
