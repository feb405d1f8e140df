/* SPDX-License-Identifier: Apache-2.0 */
/* import_aws_offer.c - a price list file of AWS for one service and region.
 *
 * Products by SKU, each with a "usagetype"; terms.OnDemand by SKU, with prices by volume, of which
 * the first is taken. import_aws.def says what we know. Source of the shape: AWS Billing user
 * guide, "Reading the service price list file". */
#include "base/macro.h"
#include "prices/catalogue.h"
#include "prices/import_json.h"
#include "prices/import_write.h"

#define NOTHING toll_slice(NULL, 0)

#define SQS_STEPS "attribute: messaging.message.body.size, step: 64KiB, at_least: 64KiB"

struct meter {
	const char *offer, *rule, *usage, *meter, *per, *more;
};

#define TOLL_AWS_METER(offer, rule, usage, meter, per, more) \
	{ offer, rule, usage, meter, per, more },
#define TOLL_AWS_UNIT(offer, unit, usage)
static const struct meter meters[] = {
#include "prices/import_aws.def"
};
#define TOLL_AWS_METER(offer, rule, usage, meter, per, more)
#define TOLL_AWS_UNIT(offer, unit, usage) { offer, unit, usage },
static const struct {
	const char *offer, *unit, *usage;
} units[] = {
#include "prices/import_aws.def"
};

struct list {
	struct toll_slice offer, region;
	struct json_object *products, *terms;
};

/* ---- products ---- */

static struct toll_slice attribute(struct json_object *product, const char *name)
{
	return toll_import_member_text(toll_import_member(product, "attributes"), name);
}

static bool is_region_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "USE1-Requests-Tier1" and, in us-east-1, "Requests-Tier1". */
static struct toll_slice without_region(struct toll_slice usage)
{
	size_t at = 0;

	while (at < usage.len && is_region_letter(usage.ptr[at]))
		at++;
	if (at < 2 || at > 6 || at == usage.len || usage.ptr[at] != '-')
		return usage;
	return toll_slice(usage.ptr + at + 1, usage.len - at - 1);
}

static struct toll_slice usage_of(struct json_object *product)
{
	return without_region(attribute(product, "usagetype"));
}

static bool is_here(const struct list *l, struct json_object *product)
{
	struct toll_slice region = attribute(product, "regionCode");

	return !l->region.len || !region.len || toll_slice_eq(region, l->region);
}

static struct json_object *find_product(const struct list *l, struct toll_slice usage,
                                        const char **ret_sku)
{
	json_object_object_foreach(l->products, sku, product)
	{
		if (is_here(l, product) && toll_slice_eq(usage_of(product), usage)) {
			*ret_sku = sku;
			return product;
		}
	}
	return NULL;
}

/* ---- prices ---- */

/* The first member of an object; NULL where it has none. */
static struct json_object *any_member(struct json_object *o)
{
	if (!json_object_is_type(o, json_type_object))
		return NULL;
	json_object_object_foreach(o, key, value)
	{
		(void)key;
		return value;
	}
	return NULL;
}

/* Of the prices by volume, that from 0 on. */
static struct toll_slice first_price(struct json_object *dimensions)
{
	if (!json_object_is_type(dimensions, json_type_object))
		return toll_slice(NULL, 0);
	json_object_object_foreach(dimensions, code, dimension)
	{
		struct toll_slice from = toll_import_member_text(dimension, "beginRange");
		struct toll_slice usd = toll_import_member_text(
			toll_import_member(dimension, "pricePerUnit"), "USD");

		(void)code;
		if ((!from.len || toll_slice_is(from, "0")) && toll_import_is_amount(usd))
			return usd;
	}
	return toll_slice(NULL, 0);
}

/* ret_day: since when. */
static struct toll_slice price_of(const struct list *l, struct toll_slice usage,
                                  struct toll_slice *ret_day)
{
	const char *sku = NULL;
	struct json_object *term;

	if (!find_product(l, usage, &sku))
		return toll_slice(NULL, 0);
	term = any_member(toll_import_member(toll_import_member(l->terms, "OnDemand"), sku));
	*ret_day = toll_import_day(toll_import_member_text(term, "effectiveDate"));
	return first_price(toll_import_member(term, "priceDimensions"));
}

/* ---- rules and units we know ---- */

/* As they stand in the catalogue's row. */
static struct toll_slice conditions_of(const char *rule)
{
	const char *name, *at, *end;
	struct toll_slice text;
	char head[96];

	for (unsigned i = 0; (text = toll_catalogue_document(i, &name)).ptr; i++)
		if (strcmp(name, "aws") == 0)
			break;
	snprintf(head, sizeof(head), "{id: %s, match: {", rule);
	at = text.ptr ? strstr(text.ptr, head) : NULL;
	end = at ? strstr(at, "},\n") : NULL;
	if (!end)
		return toll_slice(NULL, 0);
	at += strlen(head);
	return toll_slice(at, (size_t)(end - at));
}

static bool has_all_prices(const struct list *l, size_t first, size_t end, struct toll_slice *day)
{
	for (size_t i = first; i < end; i++)
		if (!price_of(l, toll_slice_str(meters[i].usage), day).len)
			return false;
	return true;
}

static void write_rule(struct toll_import *im, const struct list *l, size_t first, size_t end)
{
	struct toll_slice day = { NULL, 0 };
	char at[64];

	if (!has_all_prices(l, first, end, &day))
		return;
	snprintf(at, sizeof(at), "@%.*s", TOLL_FMT(toll_slice_cut(l->region, 60)));
	toll_import_rule(im, toll_slice_str(meters[first].rule), l->region.len ? at : "");
	toll_import_verbatim(im, conditions_of(meters[first].rule));
	if (l->region.len)
		toll_import_exact(im, "region", l->region);
	toll_import_price(im);
	for (size_t i = first; i < end; i++) {
		struct toll_slice usd = price_of(l, toll_slice_str(meters[i].usage), &day);

		toll_import_meter(im, meters[i].meter, usd, meters[i].per, meters[i].more);
		toll_import_meter_end(im, false);
	}
	toll_import_price_end(im);
	toll_import_rule_end(im, day, NOTHING);
}

static void write_rules(struct toll_import *im, const struct list *l)
{
	for (size_t i = 0, end; i < TOLL_COUNT(meters); i = end) {
		for (end = i + 1; end < TOLL_COUNT(meters); end++)
			if (strcmp(meters[end].rule, meters[i].rule) != 0)
				break;
		if (toll_slice_is(l->offer, meters[i].offer))
			write_rule(im, l, i, end);
	}
}

static void write_units(struct toll_import *im, const struct list *l)
{
	struct toll_slice day;

	for (size_t i = 0; i < TOLL_COUNT(units); i++) {
		struct toll_slice usd = { NULL, 0 };

		if (toll_slice_is(l->offer, units[i].offer))
			usd = price_of(l, toll_slice_str(units[i].usage), &day);
		if (usd.len)
			toll_import_unit(im, toll_slice_str(units[i].unit), usd, "1", NOTHING,
			                 NOTHING);
	}
}

/* ---- machines ---- */

#define BOX "BoxUsage:"

/* Linux, shared, on demand, nothing installed. */
static bool is_machine(struct json_object *product)
{
	struct toll_slice usage = usage_of(product);

	return usage.len > sizeof(BOX) - 1 && memcmp(usage.ptr, BOX, sizeof(BOX) - 1) == 0 &&
	       toll_slice_is(attribute(product, "operatingSystem"), "Linux") &&
	       toll_slice_is(attribute(product, "tenancy"), "Shared") &&
	       toll_slice_is(attribute(product, "preInstalledSw"), "NA") &&
	       toll_slice_is(attribute(product, "capacitystatus"), "Used");
}

static void write_machine(struct toll_import *im, const struct list *l, const char *sku,
                          struct json_object *product)
{
	struct toll_slice name = attribute(product, "instanceType");
	struct json_object *term =
		any_member(toll_import_member(toll_import_member(l->terms, "OnDemand"), sku));
	struct toll_slice usd = first_price(toll_import_member(term, "priceDimensions"));
	char id[256];

	if (!usd.len || !toll_import_fits(name)) {
		toll_import_leave_out(im, name, "has no price per hour");
		return;
	}
	snprintf(id, sizeof(id), "compute/aws/%.*s%s%.*s", TOLL_FMT(toll_slice_cut(name, 100)),
	         l->region.len ? "@" : "", TOLL_FMT(toll_slice_cut(l->region, 60)));
	toll_import_rule(im, toll_slice_str(id), "");
	toll_import_exact(im, "host.type", name);
	toll_import_words(im, "kind", "server consumer");
	if (l->region.len)
		toll_import_exact(im, "region", l->region);
	toll_import_price(im);
	toll_import_meter(im, "duration", usd, "1h", NULL);
	toll_import_meter_end(im, false);
	toll_import_price_end(im);
	toll_import_rule_end(im, NOTHING, NOTHING);
}

/* ---- the list ---- */

static bool is_known(const struct list *l, struct toll_slice usage)
{
	for (size_t i = 0; i < TOLL_COUNT(meters); i++)
		if (toll_slice_is(l->offer, meters[i].offer) &&
		    toll_slice_is(usage, meters[i].usage))
			return true;
	for (size_t i = 0; i < TOLL_COUNT(units); i++)
		if (toll_slice_is(l->offer, units[i].offer) && toll_slice_is(usage, units[i].usage))
			return true;
	return false;
}

static void write_others(struct toll_import *im, const struct list *l)
{
	json_object_object_foreach(l->products, sku, product)
	{
		if (!is_here(l, product))
			continue;
		if (is_machine(product))
			write_machine(im, l, sku, product);
		else if (!is_known(l, usage_of(product)))
			toll_import_leave_out(im, attribute(product, "usagetype"),
			                      "no rule or unit stands for this product");
	}
}

static int read_head(const struct toll_import *im, struct json_object *document, struct list *l,
                     struct toll_error *reterr)
{
	l->offer = toll_import_member_text(document, "offerCode");
	l->products = toll_import_member(document, "products");
	l->terms = toll_import_member(document, "terms");
	if (im->region)
		l->region = toll_slice_str(im->region);
	if (!l->offer.len || !json_object_is_type(l->products, json_type_object) ||
	    !json_object_is_type(l->terms, json_type_object))
		return toll_fail(reterr, TOLL_EINVALID,
		                 "%s: is no price list file of AWS: offerCode, products and terms "
		                 "are missing",
		                 im->name);
	if (im->service && !toll_slice_is(l->offer, im->service))
		return toll_fail(reterr, TOLL_EINVALID, "%s: is the list of %.*s, not of %s",
		                 im->name, TOLL_FMT(toll_slice_cut(l->offer, 60)), im->service);
	return 0;
}

/* Without --region the products must all be of one. */
static int find_region(const struct toll_import *im, struct list *l, struct toll_error *reterr)
{
	struct toll_slice found = { NULL, 0 };

	json_object_object_foreach(l->products, sku, product)
	{
		struct toll_slice region = attribute(product, "regionCode");

		(void)sku;
		if (!region.len || l->region.len)
			continue;
		if (found.len && !toll_slice_eq(found, region))
			return toll_fail(reterr, TOLL_EINVALID,
			                 "%s: has products of several regions (%.*s, %.*s): say "
			                 "which with --region",
			                 im->name, TOLL_FMT(toll_slice_cut(found, 30)),
			                 TOLL_FMT(toll_slice_cut(region, 30)));
		found = region;
	}
	if (!l->region.len)
		l->region = found;
	if (l->region.len && !toll_import_fits(l->region))
		return toll_fail(reterr, TOLL_EINVALID, "%s: the region's name is too long",
		                 im->name);
	return 0;
}

int toll_import_aws_offer(struct toll_import *im, struct toll_slice text, struct toll_error *reterr)
{
	int err = 0;
	struct json_object *document = toll_import_parse(im, text, json_type_object, &err, reterr);
	struct list l = { 0 };

	if (!document)
		return err;
	err = read_head(im, document, &l, reterr);
	if (!err)
		err = find_region(im, &l, reterr);
	if (!err) {
		toll_import_begin(im);
		write_rules(im, &l);
		write_others(im, &l);
		write_units(im, &l);
		err = toll_import_end(im, reterr);
	}
	json_object_put(document);
	return err;
}
