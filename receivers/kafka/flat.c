/* SPDX-License-Identifier: Apache-2.0 */
/* flat.c - reads a flat cost record. */
#include "receivers/kafka/flat.h"

#include <stddef.h>

#include "base/utf8.h"
#include "cost/money.h"
#include "proto/json_flat.h"
#include "proto/json_scalar.h"
#include "proto/sampling.h"
#include "proto/trace_state.h"

#define MS_MAX    UINT64_C(9999999999999) /* the year 2286 */
#define COUNT_MAX UINT32_MAX              /* spans that one stands for, as in the totals */

struct reader {
	struct toll_flat *flat;
	char *room;
	const char *why;
};

static bool refuse(struct reader *r, const char *why)
{
	r->why = why;
	return false;
}

/* ---- values ---- */

static bool read_id(struct reader *r, struct toll_slice text, char *id, size_t size, bool *has)
{
	bool zero = true;

	if (toll_slice_is(text, "\"\""))
		return true;
	if (text.len != 2 * size + 2 || !toll_json_read_hex(toll_slice(text.ptr + 1, 2 * size), id))
		return refuse(r, "an id that is not hex of its length");
	for (size_t i = 0; i < size; i++)
		zero &= !id[i];
	*has = !zero;
	return true;
}

static bool read_amount(struct reader *r, struct toll_slice number)
{
	r->flat->has_amount = toll_money_parse(number, &r->flat->pico) == 0 && r->flat->pico >= 0;
	return r->flat->has_amount || refuse(r, "a cost_amount that is no amount of dollars");
}

static bool read_adjusted(struct reader *r, struct toll_slice number)
{
	toll_u128 limit = COUNT_MAX * toll_power_of_ten(TOLL_ADJUSTED_PLACES);
	struct toll_decimal d;

	if (!toll_decimal_read(number, &d) || d.negative ||
	    toll_decimal_scale(&d, TOLL_ADJUSTED_PLACES, limit, &r->flat->adjusted) < 0)
		return refuse(r, "an adjusted_count that is no number of spans");
	return true;
}

static bool read_threshold(struct reader *r, struct toll_slice text)
{
	char state[sizeof("ot=th:") + TOLL_THRESHOLD_TEXT] = "ot=th:";
	struct toll_trace_state ts = { 0 };

	if (text.len > 2 && text.len <= TOLL_THRESHOLD_TEXT + 1) {
		memcpy(state + 6, text.ptr + 1, text.len - 2);
		if (toll_trace_state_parse(toll_slice_str(state), &ts) && ts.has_threshold) {
			r->flat->threshold = ts.threshold;
			return true;
		}
	}
	return refuse(r, "a sampling_threshold that is none");
}

static bool read_ms(struct reader *r, struct toll_slice number, uint64_t *ret)
{
	return toll_json_read_uint64(number, MS_MAX, ret) ||
	       refuse(r, "a time that is no number of milliseconds");
}

static bool read_text(struct reader *r, struct toll_slice text, struct toll_slice *ret)
{
	if (!toll_json_read_string(text, r->room, ret))
		return refuse(r, "a text that is no JSON string");
	if (ret->ptr == r->room)
		r->room += ret->len;
	return true;
}

/* ---- members ---- */

static const struct {
	const char *name;
	size_t at;
} texts[] = {
#define TEXT(name, member)                                 \
	{                                                  \
		(name), offsetof(struct toll_flat, member) \
	}
	TEXT("service", service),
	TEXT("operation", operation),
	TEXT("cost_error", cost_error),
	TEXT("model", model),
	TEXT("commit", commit),
	TEXT("feature", feature),
	TEXT("tenant", tenant),
	TEXT("session", session),
	TEXT("region", region),
	TEXT("environment", environment),
	TEXT("price_version", price_version),
#undef TEXT
};

static bool read_texts(struct reader *r, const struct toll_json_member *m)
{
	for (size_t i = 0; i < TOLL_COUNT(texts); i++)
		if (toll_slice_is(m->name, texts[i].name))
			return read_text(
				r, m->value,
				(struct toll_slice *)(void *)((char *)r->flat + texts[i].at));
	return true;
}

static bool read_member(struct reader *r, const struct toll_json_member *m)
{
	struct toll_flat *f = r->flat;

	if (toll_slice_is(m->value, "null"))
		return true;
	if (toll_slice_is(m->name, "trace_id"))
		return read_id(r, m->value, f->trace_id, 16, &f->has_trace_id);
	if (toll_slice_is(m->name, "span_id"))
		return read_id(r, m->value, f->span_id, 8, &f->has_span_id);
	if (toll_slice_is(m->name, "parent_span_id"))
		return read_id(r, m->value, f->parent_span_id, 8, &f->has_parent);
	if (toll_slice_is(m->name, "cost_amount"))
		return read_amount(r, m->value);
	if (toll_slice_is(m->name, "timestamp"))
		return read_ms(r, m->value, &f->timestamp_ms);
	if (toll_slice_is(m->name, "received_ms"))
		return read_ms(r, m->value, &f->received_ms);
	if (toll_slice_is(m->name, "adjusted_count"))
		return read_adjusted(r, m->value);
	if (toll_slice_is(m->name, "sampling_threshold"))
		return read_threshold(r, m->value);
	return read_texts(r, m);
}

/* ---- the record ---- */

static bool is_utf8(struct toll_slice s)
{
	for (size_t i = 0; i < s.len;) {
		size_t n = 1;

		if (s.ptr[i] & 0x80)
			n = toll_utf8_length((const uint8_t *)s.ptr + i, s.len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* What is behind the last member. */
static bool is_end(struct toll_slice rest)
{
	size_t braces = 0;

	for (size_t i = 0; i < rest.len; i++) {
		if (rest.ptr[i] == '}')
			braces++;
		else if (!strchr(" \t\r\n", rest.ptr[i]) || !rest.ptr[i])
			return false;
	}
	return braces == 1;
}

static bool read_all(struct reader *r, struct toll_slice text)
{
	struct toll_json_flat j = toll_json_flat_of(text);
	struct toll_json_member m;

	while (toll_json_flat_next(&j, &m))
		if (!read_member(r, &m))
			return false;
	if (!j.at || !is_end(toll_slice(j.at, (size_t)(j.end - j.at))) || !is_utf8(text))
		return refuse(r, "no JSON object in UTF-8");
	if (!r->flat->has_amount || !r->flat->service.len || !r->flat->timestamp_ms)
		return refuse(r, "no cost record: it needs service, cost_amount and timestamp");
	return true;
}

int toll_flat_read(struct toll_slice text, char *room, struct toll_flat *ret, const char **ret_why)
{
	struct reader r = { ret, room, NULL };

	*ret = (struct toll_flat){ .adjusted = toll_power_of_ten(TOLL_ADJUSTED_PLACES) };
	if (read_all(&r, text))
		return 0;
	*ret_why = r.why;
	return TOLL_EINVALID;
}
