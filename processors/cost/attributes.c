/* SPDX-License-Identifier: Apache-2.0 */
#include "processors/cost/attributes.h"

#include <stdio.h>

#include "cost/money.h"
#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/wire.h"

enum {
	REGION_MAX = 128, /* bytes of cost.pricing_region */
	ERROR_MAX = 1024, /* bytes of cost.error */
	NAME_MAX = 100,   /* bytes of a meter's name behind cost.breakdown. */
	LINE_MAX = 160,   /* bytes of an encoded attribute of the breakdown */
	CENTI_MS = 10000, /* nanoseconds in a hundredth of a millisecond */
};

/* ---- what a client has sent ---- */

/* semconv.def lists ours one behind the other. */
static bool is_ours(uint16_t key_id)
{
	return (key_id >= TOLL_KEY_COST_AMOUNT && key_id <= TOLL_KEY_COST_CATALOG_VERSION) ||
	       key_id == TOLL_KEY_COST_BREAKDOWN;
}

int toll_cost_remove_client(struct toll_batch *b, struct toll_node *n)
{
	const uint64_t may_be =
		TOLL_KNOWN(TOLL_KEY_COST_AMOUNT) | TOLL_KNOWN(TOLL_KEY_COST_CURRENCY) |
		TOLL_KNOWN(TOLL_KEY_COST_PRICING_REGION) | TOLL_KNOWN(TOLL_KEY_COST_DURATION_MS) |
		TOLL_KNOWN(TOLL_KEY_COST_ERROR) | TOLL_KNOWN(TOLL_KEY_COST_SOURCE) |
		TOLL_KNOWN(TOLL_KEY_COST_CATALOG_VERSION) | TOLL_KNOWN(TOLL_KEY_COST_BREAKDOWN);

	if (!(n->known & may_be))
		return 0;
	for (uint32_t i = 0; i < n->attr_count; i++) {
		struct toll_attr *a = &n->attrs[i];
		int err = 0;

		if (is_ours(a->key_id) && a->state != TOLL_ATTR_DELETED)
			err = toll_attr_delete(b, n, a);
		if (err)
			return err;
	}
	return 0;
}

/* ---- the attributes that every span gets ---- */

static void make_template(struct toll_cost_template *t, struct toll_slice region, bool from_client,
                          uint32_t tag)
{
	char *end = t->bytes, *at;

	t->region = region;
	t->from_client = from_client;
	end = toll_write_kv_double(end, tag, TOLL_SLICE("cost.amount"), 0, &at);
	t->amount_at = (size_t)(at - t->bytes);
	end = toll_write_kv_str(end, tag, TOLL_SLICE("cost.currency"), TOLL_SLICE("USD"));
	if (region.len)
		end = toll_write_kv_str(end, tag, TOLL_SLICE("cost.pricing_region"),
		                        toll_slice_cut(region, REGION_MAX));
	end = toll_write_kv_double(end, tag, TOLL_SLICE("cost.duration_ms"), 0, &at);
	t->duration_at = (size_t)(at - t->bytes);
	if (from_client)
		end = toll_write_kv_str(end, tag, TOLL_SLICE("cost.source"), TOLL_SLICE("client"));
	t->len = (size_t)(end - t->bytes);
}

/* Milliseconds with two decimals, half to even; negative where a span ends before it starts. */
static double duration_ms(const struct toll_span *s)
{
	bool negative = s->end_unix_nano < s->start_unix_nano;
	uint64_t ns = negative ? s->start_unix_nano - s->end_unix_nano
	                       : s->end_unix_nano - s->start_unix_nano;
	uint64_t q = ns / CENTI_MS, rest = ns % CENTI_MS;
	double ms;

	q += rest > CENTI_MS / 2 || (rest == CENTI_MS / 2 && q % 2);
	ms = (double)q / 100;
	return negative ? -ms : ms;
}

int toll_cost_write_priced(struct toll_batch *b, struct toll_span *s, bool from_client,
                           struct toll_cost_template *t)
{
	double amount = toll_money_to_double(s->cost_pico), ms = duration_ms(s);
	char *copy;
	int err;

	if (!t->len || t->from_client != from_client || !toll_slice_eq(t->region, s->region))
		make_template(t, s->region, from_client, s->node.attr_tag);
	err = toll_node_append(b, &s->node, toll_slice(t->bytes, t->len), &copy);
	if (err)
		return err;
	memcpy(copy + t->amount_at, &amount, sizeof(amount));
	memcpy(copy + t->duration_at, &ms, sizeof(ms));
	return 0;
}

int toll_cost_write_unpriced(struct toll_batch *b, struct toll_span *s, bool from_client)
{
	char bytes[ERROR_MAX + TOLL_COST_TEMPLATE] TOLL_UNINITIALIZED;
	char *end = bytes;
	uint32_t tag = s->node.attr_tag;

	end = toll_write_kv_str(end, tag, TOLL_SLICE("cost.error"),
	                        toll_slice_cut(s->cost_error, ERROR_MAX));
	if (s->region.len)
		end = toll_write_kv_str(end, tag, TOLL_SLICE("cost.pricing_region"),
		                        toll_slice_cut(s->region, REGION_MAX));
	end = toll_write_kv_double(end, tag, TOLL_SLICE("cost.duration_ms"), duration_ms(s), NULL);
	if (from_client)
		end = toll_write_kv_str(end, tag, TOLL_SLICE("cost.source"), TOLL_SLICE("client"));
	return toll_node_append(b, &s->node, toll_slice(bytes, (size_t)(end - bytes)), NULL);
}

/* ---- those that are asked for ---- */

int toll_cost_write_version(struct toll_batch *b, struct toll_span *s)
{
	char bytes[TOLL_COST_TEMPLATE];
	struct toll_slice version = toll_slice_str(b->price_version ? b->price_version : "");
	char *end;

	if (!version.len)
		return 0;
	end = toll_write_kv_str(bytes, s->node.attr_tag, TOLL_SLICE("cost.catalog.version"),
	                        toll_slice_cut(version, REGION_MAX));
	return toll_node_append(b, &s->node, toll_slice(bytes, (size_t)(end - bytes)), NULL);
}

/* "input_tokens"; of an attribute its key, "units.<name>" of a unit. */
static struct toll_slice name_of(const struct toll_charged *line)
{
	const size_t prefix = sizeof("cost.") - 1;
	struct toll_slice name = line->meter->attribute;

	if (line->kind != TOLL_QUANTITY_ATTRIBUTE)
		return toll_slice_str(toll_quantity_info(line->kind)->name);
	if (name.len > prefix && memcmp(name.ptr, "cost.", prefix) == 0)
		name = toll_slice(name.ptr + prefix, name.len - prefix);
	return toll_slice_cut(name, NAME_MAX);
}

/* Whether a line before it has its name. */
static bool is_told(const struct toll_bill *bill, uint32_t i)
{
	for (uint32_t before = 0; before < i; before++)
		if (toll_slice_eq(name_of(&bill->lines[before]), name_of(&bill->lines[i])))
			return true;
	return false;
}

static int64_t amount_of(const struct toll_bill *bill, uint32_t i)
{
	int64_t sum = 0;

	for (uint32_t n = i; n < bill->count; n++)
		if (toll_slice_eq(name_of(&bill->lines[n]), name_of(&bill->lines[i])) &&
		    __builtin_add_overflow(sum, bill->lines[n].pico, &sum))
			return INT64_MAX;
	return sum;
}

int toll_cost_write_breakdown(struct toll_batch *b, struct toll_span *s,
                              const struct toll_bill *bill)
{
	char bytes[TOLL_COUNT(bill->lines) * LINE_MAX] TOLL_UNINITIALIZED;
	char key[NAME_MAX + sizeof("cost.breakdown.")], *end = bytes;

	for (uint32_t i = 0; i < bill->count; i++) {
		struct toll_slice name = name_of(&bill->lines[i]);

		if (is_told(bill, i))
			continue;
		snprintf(key, sizeof(key), "cost.breakdown.%.*s", TOLL_FMT(name));
		end = toll_write_kv_double(end, s->node.attr_tag, toll_slice_str(key),
		                           toll_money_to_double(amount_of(bill, i)), NULL);
	}
	if (end == bytes)
		return 0;
	return toll_node_append(b, &s->node, toll_slice(bytes, (size_t)(end - bytes)), NULL);
}
