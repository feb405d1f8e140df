/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.c - may this request pass? Answered from this process's copy of the flags; whatever is
 * not known passes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "budget/question.h"
#include "extensions/admin/admin.h"
#include "extensions/admin/guard.h"
#include "extensions/admin/show.h"
#include "pipeline/host.h"
#include "proto/json_write.h"

/* ---- the question ---- */

struct reading {
	struct toll_admin_request *q;
	struct toll_flag_question *question;
	unsigned status; /* of "no" */
	bool refused;
};

static bool refuse(struct reading *r, const char *what, const char *name)
{
	toll_admin_refuse(r->q, 400, "%s: %.64s", what, name);
	r->refused = true;
	return false;
}

static bool read_status(struct reading *r, const char *value)
{
	if (strcmp(value, "429") != 0 && strcmp(value, "403") != 0 && strcmp(value, "503") != 0)
		return refuse(r, "status must be 429, 403 or 503", value);
	r->status = (unsigned)strtoul(value, NULL, 10);
	return true;
}

static bool read_criticality(struct reading *r, const char *value)
{
	r->question->criticality = toll_criticality_parse(toll_slice_str(value));
	return r->question->criticality != TOLL_CRITICALITY_UNKNOWN ||
	       refuse(r, "criticality must be low, medium, high or critical", value);
}

static bool read_argument(void *ctx, const char *name, const char *value)
{
	struct reading *r = ctx;
	struct toll_slice dimension = toll_slice_str(name);

	if (strcmp(name, "status") == 0)
		return read_status(r, value);
	if (strcmp(name, "criticality") == 0)
		return read_criticality(r, value);
	if (toll_question_has(r->question, dimension))
		return refuse(r, "given twice", name);
	return toll_question_add(r->question, dimension, toll_slice_str(value)) ||
	       refuse(r, "more dimensions than a request may name", name);
}

/* splitmix64: repeatable, well mixed, one addition shared by all threads. */
static uint64_t roll(struct toll_admin *a)
{
	uint64_t z = atomic_fetch_add_explicit(&a->random, UINT64_C(0x9e3779b97f4a7c15),
	                                       memory_order_relaxed);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A request that is tried again, or goes on to other services, is to be answered the same. */
static uint64_t dice_of(struct toll_admin_request *q)
{
	const char *id = toll_http_header(q->in, "x-request-id");

	return id && *id ? toll_hash(toll_slice_str(id)) : roll(q->admin);
}

/* ---- the answer ---- */

/* Stale where no enforcer is there, as well as where it has not heard of its store. */
static void ask(struct toll_admin_request *q, struct toll_flag_question *f,
                struct toll_flag_answer *ret)
{
	const struct toll_admin_config *conf = q->admin->config;
	struct toll_host *host = q->admin->super.super.host;
	struct toll_flag_source *s =
		toll_host_hold(host, "flags", toll_text_or_null(conf->enforcer));

	if (!s) {
		*ret = (struct toll_flag_answer){ .allow = true, .stale = true, .allowed = 1 };
		return;
	}
	f->dice = dice_of(q);
	toll_flags_ask(s, f, conf->max_age, ret);
	toll_host_drop(host, s);
}

static void put_text(FILE *out, const char *name, struct toll_slice text)
{
	fprintf(out, ",\"%s\":", name);
	toll_admin_put_text(out, text);
}

static void put_double(FILE *out, const char *name, double v)
{
	char text[32], *end = toll_json_double(text, v);

	fprintf(out, ",\"%s\":%.*s", name, (int)(end - text), text);
}

/* Amounts are not for everybody who reaches a port that is open to others, nor for pages in a
 * browser on this machine. */
static void put_flag(FILE *out, const struct toll_flag_answer *a, bool amounts)
{
	char spent[TOLL_MONEY_TEXT], limit[TOLL_MONEY_TEXT];

	put_text(out, "subject", toll_slice_str(a->subject));
	put_text(out, "reason", toll_slice_str(toll_flag_reason_name(a->reason)));
	fprintf(out, ",\"retry_after_s\":%" PRIu32 ",\"until_ms\":%" PRIu64, a->retry_after_s,
	        a->until_ms);
	if (!amounts || !a->window[0])
		return;
	toll_money_print_wide(a->spent_nano * 1000, spent);
	toll_money_print(a->limit_pico, limit);
	fprintf(out, ",\"spent_usd\":%s,\"limit_usd\":%s", spent, limit);
	put_text(out, "window", toll_slice_str(a->window));
}

static void put_body(struct toll_admin_request *q, const struct toll_flag_question *f,
                     const struct toll_flag_answer *a)
{
	FILE *out = open_memstream(&q->out.body, &q->out.len);

	if (!out)
		return;
	fprintf(out, "{\"throttled\":%s,\"stale\":%s", a->allow ? "false" : "true",
	        a->stale ? "true" : "false");
	for (unsigned i = 0; i < f->count; i++)
		if (toll_slice_is(f->at[i].dimension, "service"))
			put_text(out, "service", f->at[i].value);
	put_double(out, "allowed", a->allowed);
	if (a->subject[0])
		put_flag(out, a, q->admin->local && !toll_admin_is_for_another_site(q));
	fputs("}\n", out);
	if (fclose(out)) {
		free(q->out.body);
		q->out.body = NULL;
		q->out.len = 0;
	}
}

/* The share of requests that may pass, and when to come again, are for readers that keep an answer
 * for a while: each of their requests is to have dice of its own. */
static void answer(struct toll_admin_request *q, struct toll_flag_question *f, unsigned status)
{
	struct toll_flag_answer a;
	char *end;

	ask(q, f, &a);
	q->out.status = a.allow ? 200 : status;
	q->out.content_type = "application/json";
	end = toll_json_double(q->allowed, a.allowed);
	*end = '\0';
	toll_http_add_header(&q->out, "X-Spantoll-Allowed", q->allowed);
	if (a.subject[0]) {
		snprintf(q->retry_after, sizeof(q->retry_after), "%" PRIu32, a.retry_after_s);
		toll_http_add_header(&q->out, "Retry-After", q->retry_after);
	}
	put_body(q, f, &a);
	toll_admin_count(q->admin, a.stale   ? TOLL_ADMIN_STALE
	                           : a.allow ? TOLL_ADMIN_ALLOWED
	                                     : TOLL_ADMIN_THROTTLED);
}

void toll_admin_answer_throttle(struct toll_admin_request *q)
{
	struct toll_flag_question f = { .count = 0 };
	struct reading r = { q, &f, 429, false };

	if (q->rest.len)
		toll_question_add(&f, TOLL_SLICE("service"), q->rest);
	toll_http_query_each(q->in, read_argument, &r);
	if (r.refused)
		return;
	if (!f.count) {
		toll_admin_refuse(q, 400,
		                  "name a service: /v1/throttle/{service}, or dimensions: "
		                  "/v1/throttle?tenant=acme");
		return;
	}
	answer(q, &f, r.status);
}

/* ---- for proxies that send on the request's headers ---- */

/* The path and its query are those of the request that is asked about, so its sender's: only the
 * headers say who it is. One that says nothing passes. */
void toll_admin_answer_authz(struct toll_admin_request *q)
{
	const struct toll_pair_list *headers = &q->admin->config->headers;
	struct toll_flag_question f = { .count = 0 };

	for (size_t i = 0; i < headers->count; i++) {
		const char *value = toll_http_header(q->in, headers->at[i].value.ptr);

		if (value)
			toll_question_tell(&f, headers->at[i].key, toll_slice_str(value));
	}
	answer(q, &f, 429);
}
