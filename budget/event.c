/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/event.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "cost/window.h"
#include "proto/json_read.h"
#include "proto/json_scalar.h"
#include "proto/json_write.h"

static const char *const names[] = {
	"set",  "release", "restore", "shadow_set", "shadow_release", "capped",     "override",
	"kill", "unkill",  "budget",  "pending",    "done",           "superseded", "other"
};
static_assert(TOLL_COUNT(names) == TOLL_EVENT_OTHER + 1, "a name for every event");

const char *toll_event_name(enum toll_event_what what)
{
	return names[(size_t)what < TOLL_COUNT(names) ? what : TOLL_EVENT_OTHER];
}

static enum toll_event_what what_of(struct toll_slice text)
{
	for (size_t i = 0; i < TOLL_COUNT(names); i++)
		if (toll_slice_is(text, names[i]))
			return (enum toll_event_what)i;
	return TOLL_EVENT_OTHER;
}

/* ---- members ---- */

enum member_type { WHAT, TEXT, COUNT, RETRY, DOUBLE, NANO, PICO };

struct member {
	const char *name;
	enum member_type type;
	size_t offset, size;
};

#define MEMBER(name_, type_, field)                                       \
	{                                                                 \
		name_, type_, offsetof(struct toll_budget_event, field),  \
			sizeof(((struct toll_budget_event *)NULL)->field) \
	}

static const struct member members[] = {
	MEMBER("time_ms", COUNT, time_ms),
	MEMBER("change_id", COUNT, change_id),
	MEMBER("what", WHAT, what),
	MEMBER("change", WHAT, change),
	MEMBER("subject", TEXT, subject),
	MEMBER("reason", TEXT, reason),
	MEMBER("budget", TEXT, budget),
	MEMBER("mode", TEXT, mode),
	MEMBER("window", TEXT, window),
	MEMBER("spent_usd", NANO, spent_nano),
	MEMBER("limit_usd", PICO, limit_pico),
	MEMBER("ema_usd", DOUBLE, ema_usd),
	MEMBER("allowed", DOUBLE, allowed),
	MEMBER("until_ms", COUNT, until_ms),
	MEMBER("retry_after_s", RETRY, retry_after_s),
	MEMBER("by", TEXT, by),
	MEMBER("who", TEXT, who),
	MEMBER("why", TEXT, why),
};

static const void *at(const struct toll_budget_event *e, const struct member *m)
{
	return (const char *)e + m->offset;
}

/* ---- writing ---- */

/* change says nothing but beside these. */
static bool is_about_a_change(const struct toll_budget_event *e)
{
	return e->what >= TOLL_EVENT_PENDING && e->what <= TOLL_EVENT_SUPERSEDED;
}

static bool is_known(const struct toll_budget_event *e, const struct member *m)
{
	bool amounts = e->window[0] != '\0';

	switch (m->type) {
	case WHAT:
		return m->offset == offsetof(struct toll_budget_event, what) ||
		       is_about_a_change(e);
	case TEXT:
		return *(const char *)at(e, m) != '\0';
	case COUNT:
		return *(const uint64_t *)at(e, m) != 0;
	case RETRY:
		return e->retry_after_s != 0;
	case DOUBLE:
		return m->offset == offsetof(struct toll_budget_event, ema_usd)
		               ? amounts && isfinite(e->ema_usd)
		               : e->allowed > 0 && e->allowed <= 1;
	case NANO:
	case PICO:
		return amounts;
	}
	return false;
}

static char *put_money(char *out, toll_i128 pico)
{
	char text[TOLL_MONEY_TEXT];

	return toll_json_raw(out, toll_slice(text, (size_t)toll_money_print_wide(pico, text)));
}

static char *put_value(char *out, const struct toll_budget_event *e, const struct member *m)
{
	const void *value = at(e, m);

	switch (m->type) {
	case WHAT:
		return toll_json_string(
			out, toll_slice_str(toll_event_name(*(const enum toll_event_what *)value)));
	case TEXT:
		return toll_json_string(out, toll_slice(value, strnlen(value, m->size - 1)));
	case COUNT:
		return toll_json_uint(out, *(const uint64_t *)value);
	case RETRY:
		return toll_json_uint(out, *(const uint32_t *)value);
	case DOUBLE:
		return toll_json_double(out, *(const double *)value);
	case NANO:
		return put_money(out, *(const toll_i128 *)value * 1000);
	case PICO:
		return put_money(out, *(const int64_t *)value);
	}
	return out;
}

static size_t print(const struct toll_budget_event *e, bool note, char *buf)
{
	char *out = buf;

	*out++ = '{';
	for (size_t i = 0; i < TOLL_COUNT(members); i++) {
		if (!is_known(e, &members[i]) || (note && members[i].type == WHAT))
			continue;
		if (out > buf + 1)
			*out++ = ',';
		out = toll_json_string(out, toll_slice_str(members[i].name));
		*out++ = ':';
		out = put_value(out, e, &members[i]);
	}
	*out++ = '}';
	*out = '\0';
	return (size_t)(out - buf);
}

size_t toll_event_print(const struct toll_budget_event *e, char buf[TOLL_EVENT_TEXT])
{
	return print(e, false, buf);
}

size_t toll_event_print_note(const struct toll_budget_event *e, char buf[TOLL_EVENT_TEXT])
{
	return print(e, true, buf);
}

/* ---- reading ---- */

struct reader {
	struct toll_budget_event *event;
	const struct member *member; /* the value that comes next is its; NULL: nobody's */
	unsigned depth;
	bool is_object, has_what;
};

static void read_text(struct reader *r, struct toll_slice text)
{
	const struct member *m = r->member;
	void *value = m ? (char *)r->event + m->offset : NULL;

	if (m && m->type == WHAT) {
		*(enum toll_event_what *)value = what_of(text);
		r->has_what |= m->offset == offsetof(struct toll_budget_event, what);
	} else if (m && m->type == TEXT && text.len < m->size &&
	           !memchr(text.ptr, '\0', text.len)) {
		memcpy(value, text.ptr, text.len);
		((char *)value)[text.len] = '\0';
	}
	r->member = NULL;
}

static void read_retry(struct toll_slice text, uint32_t *ret)
{
	uint64_t n;

	if (toll_json_read_uint64(text, UINT32_MAX, &n))
		*ret = (uint32_t)n;
}

static void read_nano(struct toll_slice text, toll_i128 *ret)
{
	toll_i128 n;

	if (toll_nano_parse(text, &n) == 0)
		*ret = n;
}

static void read_pico(struct toll_slice text, int64_t *ret)
{
	int64_t n;

	if (toll_money_parse(text, &n) == 0)
		*ret = n;
}

static void read_number(struct reader *r, struct toll_slice text)
{
	const struct member *m = r->member;
	void *value = m ? (char *)r->event + m->offset : NULL;

	if (m && m->type == COUNT)
		(void)toll_json_read_uint64(text, UINT64_MAX / 2, value);
	else if (m && m->type == RETRY)
		read_retry(text, value);
	else if (m && m->type == DOUBLE)
		(void)toll_json_read_double(text, false, value);
	else if (m && m->type == NANO)
		read_nano(text, value);
	else if (m && m->type == PICO)
		read_pico(text, value);
	r->member = NULL;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *r = ctx;

	if (r->depth == 1)
		read_text(r, toll_slice(text, len));
	return r->depth > 0;
}

static int on_number(void *ctx, const char *text, size_t len)
{
	struct reader *r = ctx;

	if (r->depth == 1)
		read_number(r, toll_slice(text, len));
	return r->depth > 0;
}

static int on_nothing(void *ctx)
{
	return ((struct reader *)ctx)->depth > 0;
}

static int on_boolean(void *ctx, int value TOLL_UNUSED)
{
	return on_nothing(ctx);
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *r = ctx;

	r->member = NULL;
	for (size_t i = 0; r->depth == 1 && i < TOLL_COUNT(members); i++)
		if (toll_slice_is(toll_slice(text, len), members[i].name))
			r->member = &members[i];
	return 1;
}

static int on_map(void *ctx)
{
	struct reader *r = ctx;

	r->is_object |= r->depth == 0;
	r->depth++;
	return 1;
}

static int on_array(void *ctx)
{
	struct reader *r = ctx;

	if (r->depth == 0)
		return 0;
	r->depth++;
	return 1;
}

static int on_end(void *ctx)
{
	((struct reader *)ctx)->depth--;
	return 1;
}

int toll_event_parse(struct toll_slice text, struct toll_budget_event *ret)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_nothing,
		.yajl_boolean = on_boolean,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_map,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end,
		.yajl_start_array = on_array,
		.yajl_end_array = on_end,
	};
	struct toll_budget_event event = { 0 };
	struct reader r = { .event = &event };
	struct toll_json_fault fault;
	int err;

	if (text.len == 0 || text.len >= TOLL_EVENT_TEXT)
		return TOLL_EINVALID;
	err = toll_json_read_copy(&callbacks, &r, text, &fault);
	if (err)
		return err;
	if (!r.is_object || !r.has_what)
		return TOLL_EINVALID;
	*ret = event;
	return 0;
}

/* ---- for people ---- */

void toll_event_amounts(const struct toll_budget_event *e, char buf[TOLL_EVENT_AMOUNTS])
{
	char spent[TOLL_MONEY_TEXT], limit[TOLL_MONEY_TEXT];

	buf[0] = '\0';
	if (!e->window[0])
		return;
	toll_money_print_usd(e->spent_nano * 1000, spent);
	if (e->limit_pico % TOLL_PICO_PER_USD == 0)
		snprintf(limit, sizeof(limit), "$%lld",
		         (long long)(e->limit_pico / TOLL_PICO_PER_USD));
	else
		toll_money_print_usd(e->limit_pico, limit);
	snprintf(buf, TOLL_EVENT_AMOUNTS, "%s/%s", spent, limit);
}
