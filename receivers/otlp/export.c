/* SPDX-License-Identifier: Apache-2.0 */
/* export.c - the way of one request: bytes, views, pipelines, answer. */
#include "base/hash.h"
#include "proto/batch.h"
#include "proto/otlp_decode.h"
#include "receivers/otlp/otlp.h"

static struct toll_stats *stats_of(const struct toll_otlp_request *r)
{
	return r->engine->receiver->super.super.stats;
}

void toll_otlp_count(struct toll_otlp_engine *e, enum toll_outcome outcome)
{
	atomic_fetch_add_explicit(&e->outcomes[outcome], 1, memory_order_relaxed);
}

/* Refused before it was known how many spans there are. */
static void refuse(struct toll_otlp_request *r, int err, const char *why)
{
	toll_otlp_count(r->engine,
	                toll_err_retryable(err) ? TOLL_OUTCOME_REFUSED : TOLL_OUTCOME_FAILURE);
	r->engine->ops->answer(r, err, why);
}

/* Only with a final answer: those of a request that is to come again would count twice. */
static void count_rejected(struct toll_otlp_request *r)
{
	if (r->rejected)
		toll_stat_add(stats_of(r), TOLL_STAT_RECEIVER_REJECTED_SPANS, r->rejected);
}

static void accept(struct toll_otlp_request *r)
{
	count_rejected(r);
	toll_otlp_count(r->engine, TOLL_OUTCOME_SUCCESS);
	r->engine->ops->answer(r, 0, NULL);
}

static void count_unverified(const struct toll_otlp_request *r)
{
	struct toll_otlp *o = r->engine->receiver;

	if (r->unverified.not_allowed)
		atomic_fetch_add_explicit(&o->not_allowed, r->unverified.not_allowed,
		                          memory_order_relaxed);
	if (r->unverified.reserved)
		atomic_fetch_add_explicit(&o->reserved, r->unverified.reserved,
		                          memory_order_relaxed);
}

/* The answer that the first one had, or would have had. */
static void repeated(struct toll_otlp_request *r)
{
	toll_stat_add(stats_of(r), TOLL_STAT_RECEIVER_REPEATED_REQUESTS, 1);
	toll_stat_add(stats_of(r), TOLL_STAT_RECEIVER_REPEATED_SPANS, r->spans);
	toll_otlp_count(r->engine, TOLL_OUTCOME_SUCCESS);
	r->engine->ops->answer(r, 0, NULL);
}

/* The pipelines' answer; any thread. */
static void on_ack(struct toll_ack *ack, int err)
{
	struct toll_otlp_request *r = toll_container_of(ack, struct toll_otlp_request, ack);

	if (!err && ack->repeated) {
		repeated(r);
		return;
	}
	if (!err) {
		toll_stat_add(stats_of(r), TOLL_STAT_RECEIVER_ACCEPTED_SPANS, r->spans);
		count_unverified(r);
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

static void note_rejected(struct toll_otlp_request *r, const struct toll_batch *b)
{
	r->rejected = b->dropped_count;
	for (uint32_t i = 0; r->rejected && i < b->span_count && !r->reason; i++)
		r->reason = b->spans[i].dropped;
}

/* Compressions that SDKs know and we do not. gRPC's core tells us only that the message is not
 * gzip, so they are told by their first bytes, none of which can begin an OTLP request. */
static bool is_compressed(struct toll_slice wire)
{
	return wire.len >= 4 && (memcmp(wire.ptr, "\x28\xb5\x2f\xfd", 4) == 0 || /* zstd */
	                         memcmp(wire.ptr, "\xff\x06\0\0", 4) == 0);      /* snappy */
}

static void refuse_undecoded(struct toll_otlp_request *r, int err, const char *why,
                             struct toll_slice wire)
{
	const char *compressed = r->engine->ops->compressed;

	if (compressed && is_compressed(wire))
		refuse(r, TOLL_EUNSUPPORTED, compressed);
	else
		refuse(r, err, why ? why : toll_err_text(err));
}

/* What one client has sent is nothing that another one repeats. */
static uint64_t sender(const struct toll_otlp_config *c, const char *identity)
{
	if (!c->deduplicate.enabled)
		return 0;
	return identity && *identity ? toll_hash(toll_slice_str(identity)) | 1 : 1;
}

/* Borrows b. r may be gone when this returns. */
static void hand_over(struct toll_otlp_request *r, struct toll_batch *b, const char *identity)
{
	struct toll_consumer *next = r->engine->receiver->super.next;
	const char *why = NULL;
	int err = toll_otlp_decode(b, &why);

	if (err) {
		refuse_undecoded(r, err, why, b->wire);
		return;
	}
	note_rejected(r, b);
	r->spans = b->kept_count;
	if (r->spans == 0) {
		accept(r);
		return;
	}
	err = toll_otlp_book(b, &r->engine->receiver->config->identities, identity, &r->unverified);
	if (err) {
		refuse(r, err, toll_err_text(err));
		return;
	}
	r->ack = (struct toll_ack){
		.done = on_ack,
		.level = (enum toll_ack_level)r->engine->receiver->config->acknowledge,
		.sender = sender(r->engine->receiver->config, identity),
	};
	next->consume(next, b, &r->ack);
}

void toll_otlp_export(struct toll_otlp_engine *e, struct toll_otlp_request *r,
                      const struct toll_otlp_body *body)
{
	struct toll_batch *b = NULL;
	struct toll_error buf TOLL_UNINITIALIZED;
	const char *why = NULL;
	int err;

	*r = (struct toll_otlp_request){ .engine = e };
	err = toll_otlp_receive(r, body, &b, &buf, &why);
	if (err) {
		refuse(r, err, why);
		return;
	}
	hand_over(r, b, body->identity);
	toll_batch_unref(b);
}

void toll_otlp_refuse(struct toll_otlp_engine *e, struct toll_otlp_request *r, int err,
                      const char *why)
{
	*r = (struct toll_otlp_request){ .engine = e };
	refuse(r, err, why);
}
