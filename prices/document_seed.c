/* SPDX-License-Identifier: Apache-2.0 */
/* document_seed.c - the document of the first design: "service:operation" -> {"service",
 * "operation", "cost_per_ms"}.
 *
 * cost_per_ms is a number; null means free, and so does null in place of a whole row. Where service
 * and operation are given they must agree with the key; otherwise the key is cut at its first
 * colon. Operation "*" is the service's default. Members that are not known are read over, with a
 * warning. */
#include "prices/rows.h"

enum {
	MAX_SERVICE = 255,
	MAX_OPERATION = 512, /* no span has a longer one */
	NS_PER_MS = 1000000,
};

struct seed_row {
	struct toll_slice service, operation;
	struct toll_meter meter;
	bool free, has_rate;
};

/* Each name once, at its first place: such documents have the same member in every row. */
static void note_ignored(struct toll_reading *r, const struct toll_spot *at)
{
	if (r->ignored++ == 0)
		toll_reading_warning(r, at, "is no part of a price and is read over");
}

static void read_rate(struct toll_reading *r, const struct toll_spot *at, struct seed_row *row)
{
	const struct toll_yaml_node *node = at->node;
	int err = TOLL_EINVALID;

	row->has_rate = true;
	row->free = toll_yaml_is_null(node);
	if (row->free)
		return;
	if (node->kind == TOLL_YAML_SCALAR && node->plain)
		err = toll_rate_parse(node->text, NS_PER_MS, &row->meter.rate);
	if (err == TOLL_ETOOBIG)
		toll_reading_bad_value(r, at, "is more than 1e12 dollars");
	else if (err)
		toll_reading_bad_value(r, at,
		                       "must be a finite number without quotes, 0 or more; null "
		                       "means free");
}

static bool check_currency(struct toll_reading *r, const struct toll_spot *at)
{
	if (at->node->kind == TOLL_YAML_SCALAR && toll_slice_is(at->node->text, "USD"))
		return true;
	toll_reading_bad_value(r, at, "only prices in USD can be read; convert them");
	return false;
}

static void read_member(struct toll_reading *r, const struct toll_spot *at, struct seed_row *row)
{
	if (toll_slice_is(at->key, "cost_per_ms"))
		read_rate(r, at, row);
	else if (toll_slice_is(at->key, "service"))
		toll_read_text(r, at, MAX_SERVICE, &row->service);
	else if (toll_slice_is(at->key, "operation"))
		toll_read_text(r, at, MAX_OPERATION, &row->operation);
	else if (toll_slice_is(at->key, "currency"))
		check_currency(r, at);
	else
		note_ignored(r, at);
}

static void read_members(struct toll_reading *r, const struct toll_spot *at, struct seed_row *row)
{
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot member = toll_spot_of(at, i);

		read_member(r, &member, row);
	}
	if (!row->has_rate)
		toll_reading_error(r, at, "cost_per_ms is missing; null means free");
}

/* ---- names ---- */

static void split_key(struct toll_slice key, struct seed_row *row)
{
	const char *colon = memchr(key.ptr, ':', key.len);
	size_t at = colon ? (size_t)(colon - key.ptr) : key.len;

	row->service = toll_slice(key.ptr, colon ? at : 0);
	row->operation = toll_slice(key.ptr + at + !!colon, colon ? key.len - at - 1 : 0);
}

static bool key_agrees(struct toll_slice key, const struct seed_row *row)
{
	size_t at = row->service.len;

	return key.len == at + 1 + row->operation.len && key.ptr[at] == ':' &&
	       toll_slice_eq(toll_slice(key.ptr, at), row->service) &&
	       toll_slice_eq(toll_slice(key.ptr + at + 1, row->operation.len), row->operation);
}

static bool check_names(struct toll_reading *r, const struct toll_spot *at,
                        const struct seed_row *row)
{
	const char *why = NULL;

	if (!row->service.len || !row->operation.len)
		why = "name service and operation, in the key as \"service:operation\"; operation "
		      "\"*\" stands for all others";
	else if (row->service.len > MAX_SERVICE || row->operation.len > MAX_OPERATION)
		why = "a service has at most 255 bytes, an operation 512: no span would ever match";
	else if (!key_agrees(at->key, row))
		why = "the key and the members service and operation differ; make the key "
		      "\"service:operation\"";
	if (why)
		toll_reading_error(r, at, "%s", why);
	return !why;
}

/* ---- rows ---- */

static void add_row(struct toll_reading *r, const struct toll_spot *at, const struct seed_row *row)
{
	const bool is_default = toll_slice_is(row->operation, "*");
	const struct toll_condition conditions[] = {
		{ .field = TOLL_SLICE("service"), .texts = &row->service, .text_count = 1 },
		{ .field = TOLL_SLICE("operation"), .texts = &row->operation, .text_count = 1 },
	};
	struct toll_price_rule rule = toll_reading_row(r);
	struct toll_error why = { 0 };

	rule.id = at->key;
	rule.conditions = conditions;
	rule.condition_count = is_default ? 1 : 2;
	rule.meters = &row->meter;
	rule.meter_count = row->free ? 0 : 1;
	rule.free = row->free;
	toll_reading_added(r, at, toll_pricebook_builder_add_rule(r->builder, &rule, &why), &why);
	r->order++;
}

static void read_row(struct toll_reading *r, const struct toll_spot *at)
{
	struct seed_row row = { .meter = { .kind = TOLL_QUANTITY_DURATION } };
	size_t before = r->findings->errors;

	split_key(at->key, &row);
	if (at->node->kind == TOLL_YAML_MAP) {
		read_members(r, at, &row);
	} else if (toll_yaml_is_null(at->node)) {
		row.free = true;
	} else {
		toll_reading_bad_value(r, at, "must be an object with cost_per_ms, or null");
		return;
	}
	if (r->findings->errors == before && check_names(r, at, &row))
		add_row(r, at, &row);
}

/* Beside the rows there may be members: their names have no colon and they are no objects. */
static bool is_row(const struct toll_spot *at)
{
	return at->node->kind == TOLL_YAML_MAP || memchr(at->key.ptr, ':', at->key.len);
}

void toll_read_seed(struct toll_reading *r, const struct toll_spot *at)
{
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot entry = toll_spot_of(at, i);

		if (is_row(&entry))
			read_row(r, &entry);
		else if (toll_slice_is(entry.key, "currency"))
			check_currency(r, &entry);
		else
			note_ignored(r, &entry);
	}
}
