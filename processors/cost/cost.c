/* SPDX-License-Identifier: Apache-2.0 */
/* cost - what each span costs, exactly; writes the cost.* attributes in place of any that came. */
#include <stdlib.h>

#include "pipeline/factory.h"
#include "processors/cost/adjust.h"
#include "processors/cost/attributes.h"
#include "processors/cost/charge.h"
#include "proto/client_amount.h"

#define DURATION_MAX (UINT64_C(24) * 3600 * 1000000000)

struct cost_config {
	struct toll_slice currency;
	struct toll_slice_list attributes;
	int64_t max_adjusted_count;
	bool trust_client, adjust_for_sampling;
};

struct cost {
	struct toll_processor super;
	uint64_t max_adjusted_count; /* 0: sampling does not count */
	bool trust_client;
	bool version, breakdown; /* which attributes to write besides */
};

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

/* ---- spans ---- */

static bool is_poison(const struct cost *c, struct toll_span *s)
{
	return is_poisoned(s) || !toll_cost_adjust(s, c->max_adjusted_count);
}

static int write_attributes(const struct cost *c, struct toll_batch *b, struct toll_span *s,
                            bool from_client, const struct toll_bill *bill,
                            struct toll_cost_template *t)
{
	int err;

	if (s->cost_state == TOLL_COST_UNPRICED)
		return toll_cost_write_unpriced(b, s, from_client);
	err = toll_cost_write_priced(b, s, from_client, t);
	if (!err && c->version)
		err = toll_cost_write_version(b, s);
	if (!err && bill && !from_client)
		err = toll_cost_write_breakdown(b, s, bill);
	return err;
}

/* Without memory for the attributes a span flows on without them, and is in no total. */
static void price_span(const struct cost *c, struct toll_batch *b, struct toll_span *s,
                       struct toll_cost_template *t, struct toll_bill *bill)
{
	bool poisoned = is_poison(c, s);
	bool from_client = !poisoned && c->trust_client && take_client_amount(s);
	int err = toll_cost_remove_client(b, &s->node);

	if (bill)
		bill->count = 0;
	if (!poisoned && !from_client)
		toll_cost_charge(b, s, bill);
	if (!err)
		err = write_attributes(c, b, s, from_client, bill, t);
	if (err)
		toll_cost_unpriced(s, TOLL_UNPRICED_NO_MEMORY,
		                   TOLL_SLICE("no memory for the cost attributes"));
}

static int process(struct toll_processor *p, struct toll_batch *b)
{
	const struct cost *c = toll_container_of(p, struct cost, super);
	struct toll_cost_template t TOLL_UNINITIALIZED;
	struct toll_bill bill TOLL_UNINITIALIZED;

	t.len = 0;
	for (uint32_t i = 0; i < b->span_count; i++)
		if (!b->spans[i].dropped)
			price_span(c, b, &b->spans[i], &t, c->breakdown ? &bill : NULL);
	return 0;
}

/* ---- life ---- */

static void cost_free(struct toll_component *c)
{
	free(toll_container_of(c, struct cost, super.super));
}

static const struct toll_component_ops ops = { .free = cost_free };

static bool asks_for(const struct cost_config *c, const char *attribute)
{
	for (size_t i = 0; i < c->attributes.count; i++)
		if (toll_slice_is(c->attributes.at[i], attribute))
			return true;
	return false;
}

static void configure(struct cost *self, const struct cost_config *c)
{
	self->trust_client = c->trust_client;
	self->max_adjusted_count = c->adjust_for_sampling ? (uint64_t)c->max_adjusted_count : 0;
	self->version = asks_for(c, "catalog_version");
	self->breakdown = asks_for(c, "breakdown");
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct cost *self = calloc(1, sizeof(*self));

	if (!self)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&self->super.super, &ops, set);
	self->super.process = process;
	if (config)
		configure(self, config);
	*ret = &self->super.super;
	return 0;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct cost_config *c = config;

	if (!toll_slice_is(c->currency, "USD"))
		toll_report_error(r, "currency", "only USD is supported");
	for (size_t i = 0; i < c->attributes.count; i++)
		if (!toll_slice_is(c->attributes.at[i], "catalog_version") &&
		    !toll_slice_is(c->attributes.at[i], "breakdown"))
			toll_report_error(r, "attributes",
			                  "\"%.*s\" is none: catalog_version, breakdown",
			                  TOLL_FMT(toll_slice_cut(c->attributes.at[i], 64)));
}

/* clang-format off */
static const struct toll_field fields[] = {
	TOLL_FIELD(struct cost_config, currency, STRING, "USD", "Currency of all amounts; only USD."),
	TOLL_FIELD(struct cost_config, trust_client, BOOL, "false",
	           "Take cost.amount where a client sends it, and mark such spans with cost.source: client."),
	TOLL_FIELD(struct cost_config, attributes, LIST, NULL,
	           "Written besides: catalog_version (cost.catalog.version), breakdown (cost.breakdown.<meter>)."),
	TOLL_FIELD(struct cost_config, adjust_for_sampling, BOOL, "true",
	           "Count a span in totals as often as its sampling threshold (tracestate ot=th) says it stands for."),
	TOLL_FIELD(struct cost_config, max_adjusted_count, INT, "10000",
	           "A span that stands for more is not believed: invalid adjusted_count.", .min = 1, .max = 1000000000),
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
