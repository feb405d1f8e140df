/* SPDX-License-Identifier: Apache-2.0 */
/* pricing - finds the price of every span; `cost` computes with it. Never refuses a batch: a span
 * without a price flows on and says why. */
#include <stdlib.h>

#include "base/clock.h"
#include "cost/pricebook.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "prices/settings.h"
#include "processors/pricing/fields.h"
#include "proto/attr.h"
#include "proto/operation.h"
#include "proto/usage.h"

#define SERVICE_MAX 255u /* bytes of a service's name in cost.error */
#define REGION_MAX  128u /* bytes of a region: many spans may have that of one resource */

struct pricing_config {
	struct toll_slice book, region;
	struct toll_prices_settings prices; /* inline: the graph makes a pricebook from them */
};

struct pricing {
	struct toll_processor super;
	const struct pricing_config *config;
	struct toll_pricebook_source *source; /* lives longer: extensions stop last */
};

/* What all spans of a batch have in common. */
struct quote {
	const struct toll_pricebook *book; /* NULL: nothing can be priced, and why: */
	enum toll_unpriced why;
	struct toll_slice sentence;
	struct toll_slice configured, region; /* region: of the resource, else the configured one */
	struct toll_field_reader fields;      /* of the book */
};

/* ---- once per batch ---- */

static void release_book(void *shared)
{
	toll_shared_unref(shared);
}

static void refuse(struct quote *q, enum toll_unpriced why, struct toll_slice sentence)
{
	q->book = NULL;
	q->why = why;
	q->sentence = sentence;
}

static void refuse_stale(struct quote *q, struct toll_batch *b, uint64_t sync_ns)
{
	char time[32];

	toll_clock_rfc3339(sync_ns, 0, time, sizeof(time));
	refuse(q, TOLL_UNPRICED_STALE,
	       toll_arena_printf(&b->arena, "pricing cache stale (last sync: %s)", time));
}

static bool is_stale(const struct pricing *p, uint64_t sync_ns)
{
	uint64_t now = p->source->ttl_ns ? toll_clock_wall_ns() : 0;

	return now > sync_ns && now - sync_ns > p->source->ttl_ns;
}

/* One book for the whole batch, which keeps it until it is freed. */
static void open_book(const struct pricing *p, struct toll_batch *b, struct quote *q)
{
	struct toll_shared *shared = toll_snapshot_get(&p->source->current);
	const struct toll_pricebook *book = toll_pricebook_of(shared);

	if (!book) {
		refuse(q, TOLL_UNPRICED_NO_BOOK,
		       TOLL_SLICE("pricing cache stale (last sync: never)"));
		return;
	}
	if (toll_batch_pin(b, release_book, shared) < 0) {
		toll_shared_unref(shared);
		refuse(q, TOLL_UNPRICED_NO_MEMORY, TOLL_SLICE("out of memory"));
		return;
	}
	if (is_stale(p, toll_pricebook_sync(book))) {
		refuse_stale(q, b, toll_pricebook_sync(book));
		return;
	}
	q->book = book;
	b->price_version = toll_pricebook_version(book);
}

/* ---- once per span ---- */

static char *put(char *out, struct toll_slice s)
{
	if (s.len)
		memcpy(out, s.ptr, s.len);
	return out + s.len;
}

/* "no pricing data for <service>:<operation>" */
static void refuse_unknown(struct toll_batch *b, struct toll_span *s, struct toll_slice service)
{
	const struct toll_slice head = TOLL_SLICE("no pricing data for ");
	size_t len = head.len + 1 + s->operation.len;
	char *text, *end;

	service = toll_slice_cut(service, SERVICE_MAX);
	text = toll_arena_alloc(&b->arena, len + service.len, 1);
	s->unpriced = text ? TOLL_UNPRICED_NO_PRICING_DATA : TOLL_UNPRICED_NO_MEMORY;
	s->cost_error = TOLL_SLICE("out of memory");
	if (!text)
		return;
	end = put(put(text, head), service);
	*end++ = ':';
	end = put(end, s->operation);
	s->cost_error = toll_slice(text, (size_t)(end - text));
}

static bool has_units(const struct toll_span *s)
{
	return toll_node_find(&s->node, TOLL_KEY_COST_UNITS) != NULL;
}

/* A span that repeats its children (an agent's, a chain's) is free unless a rule is for it. */
static bool repeats_children(const struct toll_batch *b, const struct toll_span *s)
{
	struct toll_span_usage u TOLL_UNINITIALIZED;

	toll_usage_count(b, s, &u);
	return u.aggregate;
}

static void set_model(struct toll_batch *b, const struct toll_span *s, struct toll_field_reader *f)
{
	struct toll_span_usage u TOLL_UNINITIALIZED;

	if (!(s->node.known & TOLL_KNOWN_MODEL))
		return;
	toll_usage_read(b, s, &u);
	if (u.provider.len)
		toll_fields_set(f, f->reserved.provider, u.provider);
	if (u.model.len)
		toll_fields_set(f, f->reserved.model, u.model);
}

static const struct toll_price *find_price(struct toll_batch *b, const struct toll_span *s,
                                           struct toll_slice service, struct quote *q)
{
	const struct toll_reserved_fields *at = &q->fields.reserved;
	const struct toll_price *price;

	toll_fields_span(&q->fields, s);
	toll_fields_set(&q->fields, at->service, service);
	toll_fields_set(&q->fields, at->operation, s->operation);
	toll_fields_set(&q->fields, at->region, s->region);
	if (at->provider != TOLL_PRICEBOOK_FIELDS || at->model != TOLL_PRICEBOOK_FIELDS)
		set_model(b, s, &q->fields);
	price = toll_pricebook_find(q->book, &q->fields.lookup,
	                            (int64_t)(s->end_unix_nano / TOLL_S));
	if (!price && (has_units(s) || repeats_children(b, s)))
		price = toll_pricebook_no_rule(q->book);
	return price;
}

/* The span's own, as that of an AWS call; else its resource's; else the configured one. */
static struct toll_slice region_of(const struct toll_span *s, const struct quote *q)
{
	struct toll_slice own = toll_attr_text(toll_node_find(&s->node, TOLL_KEY_CLOUD_REGION));

	return toll_slice_cut(own.len ? own : q->region, REGION_MAX);
}

static void price_span(struct toll_batch *b, struct toll_span *s, struct toll_slice service,
                       struct quote *q)
{
	s->region = region_of(s, q);
	s->price = q->book ? find_price(b, s, service, q) : NULL;
	if (toll_likely(s->price != NULL))
		return;
	s->cost_state = TOLL_COST_UNPRICED;
	if (q->book) {
		refuse_unknown(b, s, service);
		return;
	}
	s->unpriced = (uint8_t)q->why;
	s->cost_error = q->sentence;
}

static void price_resource(struct toll_batch *b, const struct toll_resource *r, struct quote *q)
{
	q->region = toll_attr_text(toll_node_find(&r->node, TOLL_KEY_CLOUD_REGION));
	if (!q->region.len)
		q->region = q->configured;
	if (q->book)
		toll_fields_resource(&q->fields, r);
	for (uint32_t i = 0; i < r->span_count; i++) {
		struct toll_span *s = &b->spans[r->span_first + i];

		if (!s->dropped)
			price_span(b, s, r->claimed.len ? r->claimed : r->service, q);
	}
}

static int process(struct toll_processor *super, struct toll_batch *b)
{
	const struct pricing *p = toll_container_of(super, struct pricing, super);
	struct quote q TOLL_UNINITIALIZED;

	open_book(p, b, &q);
	if (q.book)
		toll_fields_init(&q.fields, q.book);
	q.configured = toll_arena_dup(&b->arena, p->config->region); /* batches outlive settings */
	toll_batch_derive_operations(b, NULL);
	for (uint32_t i = 0; i < b->resource_count; i++)
		price_resource(b, &b->resources[i], &q);
	return 0;
}

/* ---- life ---- */

static const void *pricing_implied(const void *config)
{
	const struct pricing_config *c = config;

	return toll_prices_are_set(&c->prices) ? &c->prices : NULL;
}

static int pricing_start(struct toll_component *c, struct toll_error *reterr)
{
	struct pricing *p = toll_container_of(c, struct pricing, super.super);
	const char *id = toll_text_or_null(p->config->book);
	char own[256];

	if (pricing_implied(p->config)) {
		snprintf(own, sizeof(own), "pricebook/%s", c->id.text);
		id = own;
	}
	p->source = toll_host_find(c->host, "pricebook", id);
	if (p->source)
		return 0;
	return toll_fail(reterr, TOLL_ECONFIG,
	                 id ? "%s: there is no price book \"%s\": name an extension pricebook that "
	                      "service::extensions lists"
	                    : "%s: has no prices: set file or endpoint, or add an extension "
	                      "pricebook to service::extensions",
	                 c->who, id);
}

static void pricing_free(struct toll_component *c)
{
	free(toll_container_of(c, struct pricing, super.super));
}

static const struct toll_component_ops pricing_ops = { .start = pricing_start,
	                                               .free = pricing_free };

static int pricing_create(const struct toll_settings *set, const void *config,
                          struct toll_component **ret, struct toll_error *reterr)
{
	struct pricing *p = calloc(1, sizeof(*p));

	if (!p)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&p->super.super, &pricing_ops, set);
	p->super.process = process;
	p->config = config;
	*ret = &p->super.super;
	return 0;
}

static void pricing_validate(const void *config, struct toll_reporter *r)
{
	const struct pricing_config *c = config;

	if (c->book.len && toll_prices_are_set(&c->prices))
		toll_report_error(r, "book", "choose one: book, or file, endpoint and catalogue");
	toll_prices_validate(&c->prices, "file", r);
}

static const struct toll_field pricing_fields[] = {
	TOLL_FIELD(struct pricing_config, book, STRING, NULL,
	           "Id of an extension pricebook; the only one there is when nothing is set.",
	           .extension = "pricebook"),
	TOLL_PRICES_FIELDS(struct pricing_config, prices, "file"),
	TOLL_FIELD(struct pricing_config, region, STRING, "unknown",
	           "cost.pricing_region of spans without cloud.region, their own or their "
	           "resource's."),
	TOLL_FIELD_END,
};

const struct toll_factory toll_processor_pricing = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "pricing",
	.help = "Finds the price of every span by the rules of a price book.",
	.config_size = sizeof(struct pricing_config),
	.fields = pricing_fields,
	.validate = pricing_validate,
	.implied_type = "pricebook",
	.implied = pricing_implied,
	.create = pricing_create,
};
