/* SPDX-License-Identifier: Apache-2.0 */
/* cost - what each span costs, exactly; writes the cost.* attributes in place of any that came. */
#include <stdio.h>
#include <stdlib.h>

#include "cost/money.h"
#include "pipeline/factory.h"
#include "processors/cost/charge.h"
#include "processors/cost/client.h"
#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/wire.h"

enum {
	REGION_MAX = 128,  /* bytes of cost.pricing_region */
	ERROR_MAX = 1024,  /* bytes of cost.error */
	CENTI_MS = 10000,  /* nanoseconds in a hundredth of a millisecond */
	TEMPLATE_MAX = 512 /* four attributes with a region of REGION_MAX */
};

#define DURATION_MAX (UINT64_C(24) * 3600 * 1000000000)

struct cost_config {
	struct toll_slice currency;
	bool trust_client;
};

struct cost {
	struct toll_processor super;
	bool trust_client;
};

/* The attributes of a priced span in one region, encoded; two numbers are filled in per span. */
struct template
{
	struct toll_slice region;
	bool from_client;
	char bytes[TEMPLATE_MAX];
	size_t len, amount_at, duration_at;
};

static void make_template(struct template *t, struct toll_slice region, bool from_client,
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

/* ---- amounts ---- */

/* A duration that no span has; whoever priced it. */
static bool is_poisoned(struct toll_span *s)
{
	bool bad = s->end_unix_nano < s->start_unix_nano ||
	           s->end_unix_nano - s->start_unix_nano > DURATION_MAX;

	if (bad)
		toll_cost_unpriced(s, TOLL_UNPRICED_INVALID_DURATION,
		                   TOLL_SLICE("invalid duration"));
	return bad;
}

/* The client's amount in place of ours; false: it has sent none. */
static bool take_client_amount(struct toll_span *s)
{
	switch (toll_client_amount(s, &s->cost_pico)) {
	case TOLL_CLIENT_NONE:
		return false;
	case TOLL_CLIENT_INVALID:
		toll_cost_unpriced(s, TOLL_UNPRICED_INVALID_QUANTITY,
		                   TOLL_SLICE("invalid amount from the client"));
		return true;
	default:
		s->cost_error = toll_slice(NULL, 0);
		s->cost_state = s->cost_pico ? TOLL_COST_PRICED : TOLL_COST_FREE;
		return true;
	}
}

/* ---- attributes ---- */

static bool is_ours(uint16_t key_id)
{
	return key_id == TOLL_KEY_COST_AMOUNT || key_id == TOLL_KEY_COST_CURRENCY ||
	       key_id == TOLL_KEY_COST_PRICING_REGION || key_id == TOLL_KEY_COST_DURATION_MS ||
	       key_id == TOLL_KEY_COST_ERROR || key_id == TOLL_KEY_COST_SOURCE;
}

/* A client's cost.* attributes never enter the accounting. */
static int remove_client_costs(struct toll_batch *b, struct toll_node *n)
{
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

static int write_priced(struct toll_batch *b, struct toll_span *s, bool from_client,
                        struct template *t)
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

static int write_unpriced(struct toll_batch *b, struct toll_span *s, bool from_client)
{
	char bytes[ERROR_MAX + TEMPLATE_MAX] TOLL_UNINITIALIZED;
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

/* Without memory for the attributes a span flows on without them, and is in no total. */
static void price_span(const struct cost *c, struct toll_batch *b, struct toll_span *s,
                       struct template *t)
{
	bool poisoned = is_poisoned(s);
	bool from_client = !poisoned && c->trust_client && take_client_amount(s);
	int err = remove_client_costs(b, &s->node);

	if (!poisoned && !from_client)
		toll_cost_charge(b, s);
	if (!err && s->cost_state == TOLL_COST_UNPRICED)
		err = write_unpriced(b, s, from_client);
	else if (!err)
		err = write_priced(b, s, from_client, t);
	if (err)
		toll_cost_unpriced(s, TOLL_UNPRICED_NO_MEMORY,
		                   TOLL_SLICE("no memory for the cost attributes"));
}

static int process(struct toll_processor *p, struct toll_batch *b)
{
	const struct cost *c = toll_container_of(p, struct cost, super);
	struct template t TOLL_UNINITIALIZED;

	t.len = 0;
	for (uint32_t i = 0; i < b->span_count; i++)
		if (!b->spans[i].dropped)
			price_span(c, b, &b->spans[i], &t);
	return 0;
}

/* ---- life ---- */

static void cost_free(struct toll_component *c)
{
	free(toll_container_of(c, struct cost, super.super));
}

static const struct toll_component_ops ops = { .free = cost_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct cost *self = calloc(1, sizeof(*self));

	if (!self)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&self->super.super, &ops, set);
	self->super.process = process;
	self->trust_client = config && ((const struct cost_config *)config)->trust_client;
	*ret = &self->super.super;
	return 0;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct cost_config *c = config;

	if (!toll_slice_is(c->currency, "USD"))
		toll_report_error(r, "currency", "only USD is supported");
}

/* clang-format off */
static const struct toll_field fields[] = {
	TOLL_FIELD(struct cost_config, currency, STRING, "USD", "Currency of all amounts; only USD."),
	TOLL_FIELD(struct cost_config, trust_client, BOOL, "false",
	           "Take cost.amount where a client sends it, and mark such spans with cost.source: client."),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_processor_cost = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "cost",
	.help = "Computes what each span costs and writes the cost.* attributes.",
	.config_size = sizeof(struct cost_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
