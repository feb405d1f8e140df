/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - the two calls, on a worker's thread: read, ask the flags, answer. */
#include "base/clock.h"
#include "base/log.h"
#include "extensions/envoy/envoy.h"
#include "pipeline/host.h"

#include <string.h>

enum { GRPC_INVALID_ARGUMENT = 3, GRPC_UNIMPLEMENTED = 12 };

/* SplitMix64, Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void count(struct toll_envoy *e, enum toll_envoy_method m, enum toll_envoy_outcome o)
{
	atomic_fetch_add_explicit(&e->counts->by[m][o], 1, memory_order_relaxed);
}

static struct toll_envoy_scratch *scratch_of(struct toll_envoy *e, const struct toll_grpc_call *c)
{
	return &e->scratch[toll_grpc_call_worker(c)];
}

/* ---- refused calls ---- */

static void refuse(struct toll_envoy *e, struct toll_grpc_call *c, enum toll_envoy_method m,
                   int status, const char *why)
{
	count(e, m, TOLL_ENVOY_INVALID);
	TOLL_WARN(e->super.super.who, "a request cannot be read why=%s", why);
	toll_grpc_answer(c, &(struct toll_grpc_answer){ .status = status, .message = why });
}

static void refuse_message(struct toll_envoy *e, struct toll_grpc_call *c, enum toll_envoy_method m,
                           int err)
{
	refuse(e, c, m, GRPC_INVALID_ARGUMENT,
	       err == TOLL_ETOOBIG ? "more descriptors, entries, headers, context extensions or "
	                             "dimensions than are read"
	                           : "malformed message");
}

/* The message, in the scratch. ptr NULL: the call is refused. */
static struct toll_slice take(struct toll_envoy *e, struct toll_grpc_call *c,
                              enum toll_envoy_method m)
{
	char *message = scratch_of(e, c)->message;
	size_t size = toll_grpc_call_size(c); /* the server lets no longer ones in */

	if (toll_grpc_call_encoding(c) != TOLL_GRPC_IDENTITY) {
		refuse(e, c, m, GRPC_UNIMPLEMENTED, "send requests uncompressed");
		return toll_slice(NULL, 0);
	}
	toll_grpc_call_take(c, message);
	return toll_slice(message, size);
}

/* ---- the flags ---- */

static void tell_stale(struct toll_envoy *e, bool stale)
{
	if (atomic_load_explicit(&e->stale, memory_order_relaxed) == stale ||
	    atomic_exchange(&e->stale, stale) == stale)
		return;
	if (stale)
		TOLL_WARN(e->super.super.who, "every request is allowed: the copy of the throttle "
		                              "flags is older than max_age, or there is none");
	else
		TOLL_INFO(e->super.super.who, "the copy of the throttle flags is fresh again");
}

/* Exporters start after extensions and may be replaced by a reload: found at every question. */
static enum toll_envoy_outcome ask(struct toll_envoy *e, const struct toll_flag_question *q,
                                   struct toll_flag_answer *ret)
{
	struct toll_host *h = e->super.super.host;
	const char *id = toll_text_or_null(e->config->enforcer);
	struct toll_flag_source *flags;

	if (!q->count)
		return TOLL_ENVOY_UNNAMED;
	flags = toll_host_hold(h, "flags", id);
	if (flags)
		toll_flags_ask(flags, q, e->config->max_age, ret);
	toll_host_drop(h, flags);
	tell_stale(e, !flags || ret->stale);
	if (!flags || ret->stale)
		return TOLL_ENVOY_STALE;
	return ret->allow ? TOLL_ENVOY_ALLOWED : TOLL_ENVOY_DENIED;
}

static void answer(struct toll_grpc_call *c, const struct toll_envoy_scratch *s, const char *end)
{
	struct toll_slice response = toll_slice(s->response, (size_t)(end - s->response));

	toll_grpc_answer(c, &(struct toll_grpc_answer){ .response = response });
}

/* ---- ShouldRateLimit ---- */

/* One descriptor; of those that are over, the one that asks for the longest patience stays in
 * worst.
 */
static enum toll_envoy_outcome ask_one(struct toll_envoy *e, struct toll_envoy_scratch *s,
                                       struct toll_envoy_status *status, bool first)
{
	enum toll_envoy_outcome o = ask(e, &s->question, &s->answer);

	*status = (struct toll_envoy_status){ .over = o == TOLL_ENVOY_DENIED };
	if (!status->over)
		return o;
	status->reset_s = s->answer.retry_after_s;
	if (first || s->answer.retry_after_s > s->worst.retry_after_s)
		s->worst = s->answer;
	return o;
}

static int ask_all(struct toll_envoy *e, struct toll_envoy_scratch *s, uint64_t dice,
                   enum toll_envoy_outcome *ret)
{
	const struct toll_envoy_limit_request *q = &s->limit;
	enum toll_envoy_outcome one, outcome = TOLL_ENVOY_UNNAMED;

	for (uint32_t i = 0; i < q->descriptor_count; i++) {
		const struct toll_envoy_descriptor *d = &q->descriptors[i];

		if (toll_envoy_ask_entries(&q->entries[d->first], d->count, dice, &s->question) < 0)
			return TOLL_ETOOBIG;
		one = ask_one(e, s, &s->statuses[i], outcome != TOLL_ENVOY_DENIED);
		if (one > outcome)
			outcome = one;
	}
	*ret = outcome;
	return 0;
}

static bool is_other_domain(const struct toll_envoy *e, struct toll_slice domain)
{
	return e->config->domain.len && !toll_slice_eq(domain, e->config->domain);
}

static void allow_all(struct toll_envoy_scratch *s)
{
	memset(s->statuses, 0, s->limit.descriptor_count * sizeof(s->statuses[0]));
}

static void handle_limit(void *ctx, struct toll_grpc_call *c)
{
	enum toll_envoy_outcome outcome = TOLL_ENVOY_OTHER_DOMAIN;
	struct toll_envoy *e = ctx;
	struct toll_envoy_scratch *s = scratch_of(e, c);
	struct toll_slice message = take(e, c, TOLL_ENVOY_SHOULD_RATE_LIMIT);
	bool denied;
	int err;

	if (!message.ptr)
		return;
	err = toll_envoy_read_limit(message, &s->limit);
	if (!err && is_other_domain(e, s->limit.domain))
		allow_all(s);
	else if (!err)
		err = ask_all(e, s, next_random(&s->random), &outcome);
	if (err) {
		refuse_message(e, c, TOLL_ENVOY_SHOULD_RATE_LIMIT, err);
		return;
	}
	denied = outcome == TOLL_ENVOY_DENIED;
	if (denied)
		toll_envoy_refuse(&s->worst, 0, &s->text, &s->refusal);
	count(e, TOLL_ENVOY_SHOULD_RATE_LIMIT, outcome);
	answer(c, s,
	       toll_envoy_write_limit(s->response, s->statuses, s->limit.descriptor_count,
	                              denied ? &s->refusal : NULL));
}

/* ---- Check ---- */

static int read_check(struct toll_envoy *e, struct toll_envoy_scratch *s, struct toll_slice message)
{
	const struct toll_envoy_wanted wanted = { e->headers.names, e->headers.count };
	int err = toll_envoy_read_check(message, &wanted, &s->check);

	if (err)
		return err;
	return toll_envoy_ask_check(&s->check, &e->headers, next_random(&s->random), &s->question);
}

static void handle_check(void *ctx, struct toll_grpc_call *c)
{
	struct toll_envoy *e = ctx;
	struct toll_envoy_scratch *s = scratch_of(e, c);
	struct toll_slice message = take(e, c, TOLL_ENVOY_CHECK);
	enum toll_envoy_outcome outcome;
	bool denied;
	int err;

	if (!message.ptr)
		return;
	err = read_check(e, s, message);
	if (err) {
		refuse_message(e, c, TOLL_ENVOY_CHECK, err);
		return;
	}
	outcome = ask(e, &s->question, &s->answer);
	denied = outcome == TOLL_ENVOY_DENIED;
	if (denied)
		toll_envoy_refuse(&s->answer, (uint32_t)e->config->status, &s->text, &s->refusal);
	count(e, TOLL_ENVOY_CHECK, outcome);
	answer(c, s, toll_envoy_write_check(s->response, denied ? &s->refusal : NULL));
}

void toll_envoy_serve_init(struct toll_envoy *e)
{
	e->methods[TOLL_ENVOY_SHOULD_RATE_LIMIT] = (struct toll_grpc_method){
		"/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", handle_limit, e
	};
	e->methods[TOLL_ENVOY_CHECK] =
		(struct toll_grpc_method){ "/envoy.service.auth.v3.Authorization/Check",
		                           handle_check, e };
	for (int64_t i = 0; i < e->config->workers; i++)
		e->scratch[i].random = toll_clock_wall_ns() + (uint64_t)i;
}
