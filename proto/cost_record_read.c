/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cost_record_read.h"

#include <stdio.h>

#include "proto/json_read.h"
#include "proto/json_scalar.h"
#include "proto/sampling.h"

#define MS_MAX    UINT64_C(9999999999999) /* the year 2286 */
#define COUNT_MAX UINT32_MAX              /* spans that one stands for, as in the totals */

struct reader {
	struct toll_cost_record *record;
	char *room;
	struct toll_slice key; /* of the member that comes; lies in room */
	unsigned depth;
	bool has_amount;
	toll_u128 adjusted; /* x 10^-TOLL_ADJUSTED_PLACES */
	int err;
	const char *why;
};

static int refuse(struct reader *r, int err, const char *why)
{
	r->err = err;
	r->why = why;
	return 0;
}

static struct toll_slice keep(struct reader *r, const unsigned char *text, size_t len)
{
	struct toll_slice s = toll_slice(r->room, len);

	if (len)
		memcpy(r->room, text, len);
	r->room += len;
	return s;
}

/* ---- members ---- */

static int read_ms(struct reader *r, struct toll_slice number, uint64_t *ret)
{
	if (!toll_json_read_uint64(number, MS_MAX, ret))
		return refuse(r, TOLL_EINVALID, "a time that is no number of milliseconds");
	return 1;
}

static int read_amount(struct reader *r, struct toll_slice number)
{
	int err = toll_money_parse(number, &r->record->pico);

	if (err || r->record->pico < 0)
		return refuse(r, err ? err : TOLL_EINVALID,
		              "a cost_amount that is no amount of dollars");
	r->has_amount = true;
	return 1;
}

static int read_adjusted(struct reader *r, struct toll_slice number)
{
	toll_u128 limit = COUNT_MAX * toll_power_of_ten(TOLL_ADJUSTED_PLACES);
	struct toll_decimal d;

	if (!toll_decimal_read(number, &d) || d.negative ||
	    toll_decimal_scale(&d, TOLL_ADJUSTED_PLACES, limit, &r->adjusted) < 0)
		return refuse(r, TOLL_EINVALID, "an adjusted_count that is no number of spans");
	return 1;
}

static int on_number(void *ctx, const char *text, size_t len)
{
	struct reader *r = ctx;
	struct toll_slice number = toll_slice(text, len);

	if (r->depth != 1)
		return 1;
	if (toll_slice_is(r->key, "received_ms"))
		return read_ms(r, number, &r->record->received_ms);
	if (toll_slice_is(r->key, "timestamp"))
		return read_ms(r, number, &r->record->timestamp_ms);
	if (toll_slice_is(r->key, "cost_amount"))
		return read_amount(r, number);
	if (toll_slice_is(r->key, "adjusted_count"))
		return read_adjusted(r, number);
	return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *r = ctx;
	struct toll_cost_record *record = r->record;

	if (r->depth != 1)
		return 1;
	if (toll_slice_is(r->key, "cost_error"))
		record->unpriced = true;
	if (record->text_count == TOLL_RECORD_TEXTS)
		return 1;
	record->texts[record->text_count].name = r->key;
	record->texts[record->text_count++].value = keep(r, text, len);
	return 1;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *r = ctx;

	if (r->depth == 1)
		r->key = keep(r, text, len);
	return 1;
}

static int on_begin(void *ctx)
{
	((struct reader *)ctx)->depth++;
	return 1;
}

static int on_end(void *ctx)
{
	((struct reader *)ctx)->depth--;
	return 1;
}

/* An array outside would make its elements look like members. */
static int on_begin_array(void *ctx)
{
	struct reader *r = ctx;

	return r->depth ? on_begin(ctx) : refuse(r, TOLL_EINVALID, "not an object");
}

/* ---- the record ---- */

struct toll_slice toll_cost_record_text(const struct toll_cost_record *r, struct toll_slice name)
{
	for (uint32_t i = 0; i < r->text_count; i++)
		if (toll_slice_eq(r->texts[i].name, name))
			return r->texts[i].value;
	return toll_slice(NULL, 0);
}

static void weigh(struct reader *r)
{
	toll_u128 one = toll_power_of_ten(TOLL_ADJUSTED_PLACES);

	r->record->total_pico = (toll_i128)toll_divide_half_even(
		(toll_u128)r->record->pico * r->adjusted, one, false);
}

int toll_cost_record_read(char *line, size_t len, char *room, struct toll_cost_record *ret,
                          struct toll_error *reterr)
{
	static const yajl_callbacks callbacks = { .yajl_number = on_number,
		                                  .yajl_string = on_string,
		                                  .yajl_start_map = on_begin,
		                                  .yajl_map_key = on_key,
		                                  .yajl_end_map = on_end,
		                                  .yajl_start_array = on_begin_array,
		                                  .yajl_end_array = on_end };
	struct reader r = { .record = ret,
		            .room = room,
		            .adjusted = toll_power_of_ten(TOLL_ADJUSTED_PLACES) };
	struct toll_json_fault fault = { 0 };
	int err;

	ret->received_ms = ret->timestamp_ms = 0;
	ret->pico = 0;
	ret->unpriced = false;
	ret->text_count = 0;
	err = toll_json_read(&callbacks, &r, line, len, &fault);
	if (r.err)
		return toll_fail(reterr, r.err, "%s", r.why);
	if (err)
		return toll_fail(reterr, err, "%s",
		                 err == TOLL_ENOMEM ? "out of memory" : fault.what);
	if (!r.has_amount || !toll_cost_record_text(ret, TOLL_SLICE("service")).len ||
	    !(ret->received_ms | ret->timestamp_ms))
		return toll_fail(reterr, TOLL_EINVALID,
		                 "not a cost record: it needs service, cost_amount and timestamp");
	weigh(&r);
	return 0;
}
