/* SPDX-License-Identifier: Apache-2.0 */
/* http_answer.c - what a client is told, in its own language, and when to come again. */
#include <stdio.h>

#include "receivers/otlp/http.h"

static unsigned status_of(int err)
{
	switch (err) {
	case TOLL_ETOOMANY:
		return 429;
	case TOLL_EINVALID:
		return 400;
	case TOLL_ETOOBIG:
		return 413;
	case TOLL_EUNSUPPORTED:
		return 415;
	case TOLL_EDENIED:
		return 401;
	default:
		return toll_err_retryable(err) ? 503 : 500;
	}
}

struct toll_otlp_refusal toll_otlp_refusal_of(int err, const char *why)
{
	return (struct toll_otlp_refusal){ status_of(err), toll_err_grpc_status(err), why,
		                           toll_err_retryable(err) };
}

/* Both ways in which clients look for it: the returned delay is for RetryInfo. */
static uint32_t add_retry_after(struct toll_otlp_http_request *q, struct toll_http_response *r)
{
	uint32_t delay_ms = toll_retry_delay_ms();

	snprintf(q->retry_after, sizeof(q->retry_after), "%u", (delay_ms + 999) / 1000);
	toll_http_add_header(r, "Retry-After", q->retry_after);
	return delay_ms;
}

/* A Status in the client's language, or the sentence alone. */
static void say(struct toll_otlp_http_request *q, const struct toll_otlp_refusal *f,
                struct toll_http_response *r)
{
	char buf[TOLL_RESPONSE_MAX] TOLL_UNINITIALIZED;
	uint32_t delay_ms = f->again ? add_retry_after(q, r) : 0;

	r->status = f->status;
	if (!q->has_format) {
		toll_http_printf(r, "%s\n", f->why);
		return;
	}
	r->content_type = toll_otlp_type(q->format);
	toll_http_copy(r, toll_otlp_status(q->format, f->code, f->why, delay_ms, buf));
}

void toll_otlp_http_answer(struct toll_otlp_request *r, int err, const char *why)
{
	struct toll_otlp_http_request *q =
		toll_container_of(r, struct toll_otlp_http_request, otlp);
	struct toll_otlp_http *h = toll_otlp_http_of(r->engine);
	struct toll_http_response out = { .status = 200 };
	struct toll_otlp_refusal refusal = toll_otlp_refusal_of(err, why);
	char buf[TOLL_RESPONSE_MAX] TOLL_UNINITIALIZED;

	if (err) {
		say(q, &refusal, &out);
	} else {
		out.content_type = toll_otlp_type(q->format);
		toll_http_copy(&out, toll_otlp_response(q->format, r->rejected, r->reason, buf));
	}
	toll_otlp_cors_answer(&h->cors, q->origin, &out);
	toll_http_answer(toll_http_call_of(q), &out);
}

bool toll_otlp_http_refuse(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                           struct toll_otlp_refusal f, struct toll_http_response *r)
{
	toll_otlp_count(&h->super, f.again ? TOLL_OUTCOME_REFUSED : TOLL_OUTCOME_FAILURE);
	say(q, &f, r);
	toll_otlp_cors_answer(&h->cors, q->origin, r);
	return false;
}
