/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/api/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cost/name.h"
#include "exporters/enforcer/totals/spend_rows.h"

#define TTL_MAX_S UINT64_C(2678400) /* 31 days */
#define AUDIT_MAX 1000
#define JSON_MAX  ((size_t)64 << 10)
#define NAME_MAX_ (TOLL_EVENT_WORD - 1)

static struct toll_control *control_of(struct toll_budget_control *self)
{
	return toll_container_of(self, struct toll_control, super);
}

/* ---- what people write ---- */

/* Would encoding it change it? */
static bool is_encoded(struct toll_slice part)
{
	char raw[TOLL_NAME_MAX], back[TOLL_NAME_MAX];
	size_t len;

	if (part.len == 0 || part.len > TOLL_NAME_MAX)
		return false;
	len = toll_name_encode(toll_slice(raw, toll_name_decode(part, raw)), back);
	return toll_slice_eq(toll_slice(back, len), part);
}

/* dimension:value, joined by ':'. */
static bool is_key(struct toll_slice text)
{
	unsigned parts = 0;

	for (;;) {
		const char *colon = memchr(text.ptr, ':', text.len);
		size_t len = colon ? (size_t)(colon - text.ptr) : text.len;

		if (!is_encoded(toll_slice(text.ptr, len)))
			return false;
		parts++;
		if (!colon)
			return parts == 1 || (parts % 2 == 0 && parts <= 8);
		text = toll_slice(colon + 1, text.len - len - 1);
	}
}

int toll_subject_read(struct toll_slice text, char ret[TOLL_SUBJECT_MAX + 1],
                      struct toll_error *reterr)
{
	char name[TOLL_NAME_MAX];

	if (text.len == 0)
		return toll_fail(reterr, TOLL_EINVALID, "a subject is missing");
	if (toll_name_is_unverified(text))
		return toll_fail(reterr, TOLL_EINVALID, "no flag is ever set for unverified spend");
	if (text.len <= TOLL_SUBJECT_MAX && is_key(text)) {
		snprintf(ret, TOLL_SUBJECT_MAX + 1, "%.*s", TOLL_FMT(text));
		return 0;
	}
	if (memchr(text.ptr, ':', text.len))
		return toll_fail(
			reterr, TOLL_EINVALID,
			"\"%.*s\" is no subject: write a service's name, or dimension:value "
			"pairs as in tenant:acme:service:cart; ':' in a name is %%3A",
			(int)(text.len < 100 ? text.len : 100), text.ptr);
	snprintf(ret, TOLL_SUBJECT_MAX + 1, "%.*s", (int)toll_name_encode(text, name), name);
	return 0;
}

/* People's words: cut, so that a record stays small. */
static void copy_words(char out[TOLL_EVENT_COMMENT], const char *words)
{
	snprintf(out, TOLL_EVENT_COMMENT, "%s", words ? words : "");
}

/* ---- asking ---- */

static int no_memory(struct toll_error *reterr)
{
	return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
}

/* *r is the caller's to free, unless an error came from the queue: then it is NULL. */
static int ask(struct toll_control *c, struct toll_request **r, struct toll_error *reterr)
{
	int err = toll_requests_ask(&c->requests, *r, c->timeout_ns, reterr);

	if (err) {
		*r = NULL;
		return err;
	}
	if ((*r)->err && reterr)
		*reterr = (*r)->error;
	return (*r)->err;
}

static int ask_and_free(struct toll_control *c, struct toll_request *r, struct toll_error *reterr)
{
	int err = ask(c, &r, reterr);

	toll_request_free(r);
	return err;
}

static int override(struct toll_budget_control *self, struct toll_slice subject,
                    enum toll_override what, uint64_t ttl_s, const char *who, const char *why,
                    struct toll_error *reterr)
{
	struct toll_request *r = toll_request_new(TOLL_REQUEST_OVERRIDE);
	int err;

	if (!r)
		return no_memory(reterr);
	err = toll_subject_read(subject, r->subject, reterr);
	if (!err && what != TOLL_OVERRIDE_NONE && (ttl_s == 0 || ttl_s > TTL_MAX_S))
		err = toll_fail(reterr, TOLL_EINVALID,
		                "an override lasts from 1s to 31 days: it must not be forgotten");
	if (err) {
		toll_request_free(r);
		return err;
	}
	r->override = what;
	r->ttl_s = ttl_s;
	copy_words(r->who, who);
	copy_words(r->why, why);
	return ask_and_free(control_of(self), r, reterr);
}

static int kill_all(struct toll_budget_control *self, bool on, const char *who, const char *why,
                    struct toll_error *reterr)
{
	struct toll_request *r = toll_request_new(TOLL_REQUEST_KILL);

	if (!r)
		return no_memory(reterr);
	r->on = on;
	copy_words(r->who, who);
	copy_words(r->why, why);
	return ask_and_free(control_of(self), r, reterr);
}

static int is_killed(struct toll_budget_control *self, bool *ret_on, char who[256],
                     struct toll_error *reterr)
{
	struct toll_request *r = toll_request_new(TOLL_REQUEST_IS_KILLED);
	int err;

	if (!r)
		return no_memory(reterr);
	err = ask(control_of(self), &r, reterr);
	if (!err) {
		*ret_on = r->on;
		snprintf(who, 256, "%s", r->value);
	}
	toll_request_free(r);
	return err;
}

static int set_budget(struct toll_budget_control *self, struct toll_slice name,
                      struct toll_slice json, const char *who, struct toll_error *reterr)
{
	struct toll_request *r;

	if (name.len == 0 || name.len > NAME_MAX_)
		return toll_fail(reterr, TOLL_EINVALID, "a budget's name has 1 to %d bytes",
		                 NAME_MAX_);
	if (json.len > JSON_MAX)
		return toll_fail(reterr, TOLL_EINVALID, "a budget takes at most 64 KiB");
	r = toll_request_new(TOLL_REQUEST_SET_BUDGET);
	if (r)
		r->json = calloc(1, json.len + 1);
	if (!r || !r->json) {
		toll_request_free(r);
		return no_memory(reterr);
	}
	snprintf(r->subject, sizeof(r->subject), "%.*s", TOLL_FMT(name));
	if (json.len)
		memcpy(r->json, json.ptr, json.len);
	copy_words(r->who, who);
	return ask_and_free(control_of(self), r, reterr);
}

static int audit(struct toll_budget_control *self, struct toll_slice subject, uint32_t limit,
                 void (*line)(void *ctx, struct toll_slice json), void *ctx,
                 struct toll_error *reterr)
{
	struct toll_request *r = toll_request_new(TOLL_REQUEST_AUDIT);
	struct toll_slice text;
	size_t at = 0;
	int err = 0;

	if (!r)
		return no_memory(reterr);
	if (subject.len)
		err = toll_subject_read(subject, r->subject, reterr);
	r->limit = limit && limit < AUDIT_MAX ? limit : AUDIT_MAX;
	if (!err)
		err = ask(control_of(self), &r, reterr);
	while (!err && toll_answer_next(&r->lines, &at, &text))
		line(ctx, text);
	toll_request_free(r);
	return err;
}

/* Lines come in threes: name, JSON, source. */
static int budgets(struct toll_budget_control *self,
                   void (*row)(void *ctx, struct toll_slice name, struct toll_slice json,
                               const char *source),
                   void *ctx, struct toll_error *reterr)
{
	struct toll_request *r = toll_request_new(TOLL_REQUEST_BUDGETS);
	struct toll_slice name, json, source;
	size_t at = 0;
	int err;

	if (!r)
		return no_memory(reterr);
	err = ask(control_of(self), &r, reterr);
	while (!err && toll_answer_next(&r->lines, &at, &name) &&
	       toll_answer_next(&r->lines, &at, &json) && toll_answer_next(&r->lines, &at, &source))
		row(ctx, name, json, source.ptr);
	toll_request_free(r);
	return err;
}

/* ---- rows ---- */

static void fill_budget(const struct toll_totals *t, const struct toll_service *s,
                        struct toll_budget_row *row)
{
	static const char *const modes[] = { "enforce", "shadow", "off" };
	const struct toll_rule *rule = s->rule;

	row->budget = rule->name;
	row->mode = modes[rule->mode];
	row->forecast_s = toll_service_forecast_s(t, s, rule);
	row->window = t->rules->windows[rule->window].name;
	row->limit_pico = rule->limit_pico;
	row->spent_nano = s->rule_nano;
	row->ema_usd = s->rule_ema;
	row->over = s->over;
	row->under = s->under;
}

static struct toll_budget_row row_of(const struct toll_totals *t, const struct toll_service *s)
{
	struct toll_budget_row row = {
		.subject = s->key,
		.mode = "",
		.window = "",
		.forecast_s = -1,
		.throttled = s->throttled,
		.shadow = s->shadow,
		.capped = s->capped,
		.override = s->override,
		.until_ms = s->throttled ? s->until_ms : 0,
		.criticality = s->criticality,
	};

	if (s->rule)
		fill_budget(t, s, &row);
	return row;
}

/* Rows that stay when the lock is given back: callbacks may take their time. Rules do not move;
 * their names do, so that they are copied too. */
struct rows {
	struct toll_budget_row *at;
	char *text;
	uint32_t count;
};

static bool copy_rows(struct toll_totals *t, struct rows *rows)
{
	size_t bytes = 1, used = 0;

	for (uint32_t i = 0; i < t->count; i++)
		bytes += t->services[i]->key.len + TOLL_WINDOW_NAME;
	rows->at = calloc(t->count + 1, sizeof(*rows->at));
	rows->text = malloc(bytes);
	if (!rows->at || !rows->text)
		return false;
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_budget_row row = row_of(t, t->services[i]);
		char *key = rows->text + used;

		memcpy(key, row.subject.ptr, row.subject.len);
		used += row.subject.len;
		snprintf(rows->text + used, TOLL_WINDOW_NAME, "%s", row.window);
		row.subject.ptr = key;
		row.window = rows->text + used;
		used += TOLL_WINDOW_NAME;
		rows->at[rows->count++] = row;
	}
	return true;
}

static int list(struct toll_budget_control *self,
                void (*row)(void *ctx, const struct toll_budget_row *r), void *ctx)
{
	struct toll_totals *t = control_of(self)->totals;
	struct rows rows = { 0 };
	bool copied;

	toll_totals_lock(t);
	copied = copy_rows(t, &rows);
	toll_totals_unlock(t);
	for (uint32_t i = 0; copied && i < rows.count; i++)
		row(ctx, &rows.at[i]);
	free(rows.at);
	free(rows.text);
	return copied ? 0 : TOLL_ENOMEM;
}

/* ---- life ---- */

int toll_control_init(struct toll_control *c, struct toll_totals *totals, uint64_t timeout_ns)
{
	*c = (struct toll_control){
		.super = { list, override, kill_all, is_killed, set_budget, audit, budgets },
		.totals = totals,
		.timeout_ns = timeout_ns,
	};
	return toll_requests_init(&c->requests);
}

void toll_control_release(struct toll_control *c)
{
	if (!c->super.list)
		return;
	toll_requests_release(&c->requests);
	c->super.list = NULL;
}
