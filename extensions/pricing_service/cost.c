/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - GetCost: what one span costs, for programs that cannot wait for theirs to come by. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cost/price_charge.h"
#include "cost/provider.h"
#include "extensions/pricing_service/service.h"
#include "proto/pricing.pb-c.h"

typedef Spantoll__Pricing__V1__GetCostRequest request;

#define UNIT_PREFIX "cost.units."

/* What is answered; status 0: the amount. */
struct verdict {
	int status;
	const char *why; /* static */
	struct toll_sum sum;
	bool units;                     /* some are in the sum */
	const struct toll_price *price; /* NULL: units alone */
};

static bool refuse(struct verdict *v, int status, const char *why)
{
	v->status = status;
	v->why = why;
	return false;
}

/* ---- which rule ---- */

/* The last one of a key counts, as in protobuf's maps. NULL: there is none. */
static char *field_of(const request *q, struct toll_slice key)
{
	for (size_t i = q->n_fields; i-- > 0;)
		if (toll_slice_is(key, q->fields[i]->key))
			return q->fields[i]->value;
	if (toll_slice_is(key, "service"))
		return q->service[0] ? q->service : NULL;
	return toll_slice_is(key, "operation") && q->operation[0] ? q->operation : NULL;
}

/* As spans have it: models in lower case, providers by their id. */
static struct toll_slice value_of(struct toll_slice field, char *value)
{
	bool provider = toll_slice_is(field, "provider");
	struct toll_slice id = { NULL, 0 };

	if (provider)
		id = toll_provider_id(toll_slice_str(value));
	if (id.len)
		return id;
	for (char *at = value; *at && (provider || toll_slice_is(field, "model")); at++)
		*at = (char)tolower((unsigned char)*at);
	return toll_slice_str(value);
}

static const struct toll_price *find_price(const struct toll_pricebook *b, const request *q,
                                           int64_t at_s)
{
	struct toll_price_lookup l = { .has = 0 };

	for (uint32_t i = 0; i < toll_pricebook_field_count(b); i++) {
		char *value = field_of(q, toll_pricebook_field(b, i));

		if (!value)
			continue;
		l.values[i] = value_of(toll_pricebook_field(b, i), value);
		l.has |= UINT64_C(1) << i;
	}
	return toll_pricebook_find(b, &l, at_s);
}

/* ---- how much of what ---- */

static void fill_attribute(const struct toll_price *price, const char *name, struct toll_quantity n,
                           struct toll_metered *m)
{
	for (uint32_t i = 0; price && i < price->rule->meter_count; i++)
		if (toll_slice_is(price->rule->meters[i].attribute, name)) {
			m->attributes[i] = n;
			m->has_attributes |= UINT32_C(1) << i;
		}
}

static bool add_unit(const struct toll_pricebook *b, const char *name, struct toll_quantity n,
                     int64_t at_s, struct verdict *v)
{
	const struct toll_price *unit = toll_pricebook_unit(b, toll_slice_str(name), at_s);
	struct toll_metered m = { .attributes = { n }, .has_attributes = 1 };

	if (!unit)
		return refuse(v, TOLL_GRPC_NOT_FOUND, "no price for one of the units");
	if (toll_price_charge(unit, &m, &v->sum, NULL).outcome != TOLL_CHARGED)
		return refuse(v, TOLL_GRPC_INVALID_ARGUMENT, "a unit costs too much to be counted");
	v->units = true;
	return true;
}

static bool read_quantities(const struct toll_pricebook *b, const request *q, int64_t at_s,
                            struct toll_metered *m, struct verdict *v)
{
	for (size_t i = 0; i < q->n_quantities; i++) {
		const char *name = q->quantities[i]->name;
		enum toll_quantity_kind kind = toll_quantity_named(toll_slice_str(name));
		struct toll_quantity n;

		if (toll_quantity_parse(toll_slice_str(q->quantities[i]->value), &n) < 0)
			return refuse(v, TOLL_GRPC_INVALID_ARGUMENT,
			              "a quantity is no decimal number, or negative, or too large");
		if (strncmp(name, UNIT_PREFIX, strlen(UNIT_PREFIX)) == 0) {
			if (!add_unit(b, name + strlen(UNIT_PREFIX), n, at_s, v))
				return false;
		} else if (kind == TOLL_QUANTITY_COUNT || kind == TOLL_QUANTITY_ATTRIBUTE) {
			fill_attribute(v->price, name, n, m);
		} else {
			m->quantities[kind] = n;
			m->has |= UINT32_C(1) << kind;
			m->known |= toll_quantity_info(kind)->family == TOLL_FAMILY_USAGE;
		}
	}
	return true;
}

/* ---- the amount ---- */

static bool charge(const struct toll_metered *m, struct verdict *v)
{
	switch (toll_price_charge(v->price, m, &v->sum, NULL).outcome) {
	case TOLL_CHARGED:
		return true;
	case TOLL_CHARGE_NO_USAGE:
		return refuse(v, TOLL_GRPC_FAILED_PRECONDITION, "no token counts in the request");
	case TOLL_CHARGE_NO_RATE:
		return refuse(v, TOLL_GRPC_FAILED_PRECONDITION,
		              "the rule has no rate for one of the quantities");
	case TOLL_CHARGE_NO_QUANTITY:
		return refuse(v, TOLL_GRPC_FAILED_PRECONDITION,
		              "the rule charges something that the request does not count");
	default:
		return refuse(v, TOLL_GRPC_INVALID_ARGUMENT, "the amount is too large");
	}
}

static bool price(const struct toll_pricebook *b, const request *q, struct verdict *v)
{
	uint64_t at_ns = q->time_unix_nano ? q->time_unix_nano : toll_clock_wall_ns();
	int64_t at_s = (int64_t)(at_ns / TOLL_S);
	struct toll_metered m = { .has = UINT32_C(1) << TOLL_QUANTITY_CALLS |
		                         UINT32_C(1) << TOLL_QUANTITY_DURATION };

	m.quantities[TOLL_QUANTITY_CALLS] = toll_quantity_of(1);
	m.quantities[TOLL_QUANTITY_DURATION] = toll_quantity_of(q->duration_nano);
	v->price = find_price(b, q, at_s);
	if (!read_quantities(b, q, at_s, &m, v))
		return false;
	if (!v->price && !v->units)
		return refuse(v, TOLL_GRPC_NOT_FOUND, "no pricing data for this span");
	return !v->price || charge(&m, v);
}

static void answer(struct toll_grpc_call *c, const struct toll_pricebook *b, struct verdict *v)
{
	Spantoll__Pricing__V1__GetCostResponse m = SPANTOLL__PRICING__V1__GET_COST_RESPONSE__INIT;
	char amount[TOLL_MONEY_TEXT], rule[256] = "", version[TOLL_EDITION_VERSION];
	char buf[sizeof(rule) + 160];
	int64_t pico;

	if (toll_sum_round(&v->sum, &pico) < 0) {
		toll_pricing_refuse(c, TOLL_GRPC_INVALID_ARGUMENT, "the amount is too large");
		return;
	}
	toll_money_print(pico, amount);
	if (v->price)
		snprintf(rule, sizeof(rule), "%.*s",
		         TOLL_FMT(toll_slice_cut(v->price->rule->id, 255)));
	snprintf(version, sizeof(version), "%s", toll_pricebook_version(b));
	m.version = version;
	m.rule = rule;
	m.free = v->price && v->price->free && pico == 0;
	m.amount_pico_usd = pico;
	m.amount = amount;
	toll_grpc_answer(c, &(struct toll_grpc_answer){
				    .response = toll_slice(
					    buf, spantoll__pricing__v1__get_cost_response__pack(
							 &m, (uint8_t *)buf)) });
}

static bool is_stale(const struct pricing_service *s, const struct toll_pricebook *b)
{
	uint64_t now = toll_clock_wall_ns(), sync = toll_pricebook_sync(b);

	return s->source->ttl_ns && now > sync && now - sync > s->source->ttl_ns;
}

static void answer_cost(struct pricing_service *s, struct toll_grpc_call *c, const request *q)
{
	struct toll_shared *shared = toll_snapshot_get(&s->source->current);
	const struct toll_pricebook *b = toll_pricebook_of(shared);
	struct verdict v = { .status = 0 };

	if (!b)
		toll_pricing_refuse(c, TOLL_GRPC_UNAVAILABLE, TOLL_PRICING_NO_BOOK);
	else if (is_stale(s, b))
		toll_pricing_refuse(c, TOLL_GRPC_UNAVAILABLE, "the prices are stale");
	else if (price(b, q, &v))
		answer(c, b, &v);
	else
		toll_pricing_refuse(c, v.status, v.why);
	toll_shared_unref(shared);
}

void toll_pricing_handle_cost(void *service, struct toll_grpc_call *c)
{
	struct pricing_service *s = service;
	char buf[TOLL_PRICING_REQUEST_MAX];
	size_t size;
	request *q;

	atomic_fetch_add(&s->calls[TOLL_PRICING_GET_COST], 1);
	if (!toll_pricing_take(c, buf, &size))
		return;
	q = spantoll__pricing__v1__get_cost_request__unpack(NULL, size, (uint8_t *)buf);
	if (!q) {
		toll_pricing_refuse(c, TOLL_GRPC_INVALID_ARGUMENT, "malformed request");
		return;
	}
	answer_cost(s, c, q);
	spantoll__pricing__v1__get_cost_request__free_unpacked(q, NULL);
}
