/* SPDX-License-Identifier: Apache-2.0 */
/* document_rate.c - dollars per so much, with its tiers, and whether that fits what is counted. */
#include "prices/per.h"
#include "prices/rows.h"

static enum toll_per_unit unit_of(enum toll_quantity_kind kind)
{
	const char *unit = toll_quantity_info(kind)->unit;

	if (strcmp(unit, "ns") == 0)
		return TOLL_PER_TIME;
	if (strcmp(unit, "byte") == 0)
		return TOLL_PER_BYTES;
	return strcmp(unit, "byte ns") == 0 ? TOLL_PER_BYTE_TIME : TOLL_PER_COUNT;
}

/* An attribute's number may be one of bytes. */
static bool fits(enum toll_quantity_kind kind, enum toll_per_unit unit)
{
	return unit == unit_of(kind) || (kind == TOLL_QUANTITY_ATTRIBUTE && unit == TOLL_PER_BYTES);
}

static bool read_amount(struct toll_reading *r, const struct toll_spot *at, struct toll_per *ret)
{
	const char *why = "must be a single value";

	if (at->node->kind == TOLL_YAML_SCALAR)
		why = toll_per_read(at->node->text, ret);
	if (why)
		toll_reading_bad_value(r, at, "%s", why);
	return !why;
}

static void refuse_unit(struct toll_reading *r, const struct toll_spot *at,
                        enum toll_quantity_kind kind)
{
	const struct toll_quantity_info *info = toll_quantity_info(kind);

	toll_reading_bad_value(r, at, "does not fit %s: write %s", info->name,
	                       toll_per_example(unit_of(kind)));
}

/* step, at_least, over: of the quantity itself. */
static bool read_quantity(struct toll_reading *r, const struct toll_spot *at,
                          enum toll_quantity_kind kind, uint64_t *ret)
{
	struct toll_per amount;

	if (!at->node)
		return true;
	if (!read_amount(r, at, &amount))
		return false;
	if (!fits(kind, amount.unit)) {
		refuse_unit(r, at, kind);
		return false;
	}
	*ret = amount.base;
	return true;
}

/* Steps become what they stand for: rates are per base unit. */
static bool resolve_steps(struct toll_reading *r, const struct toll_spot *at, uint64_t step,
                          struct toll_per *per)
{
	if (!step)
		toll_reading_bad_value(r, at, "counts steps, and there is no step");
	else if (__builtin_mul_overflow(per->base, step, &per->base))
		toll_reading_bad_value(r, at, "is too large");
	else
		return true;
	return false;
}

static bool read_per(struct toll_reading *r, const struct toll_spot *at,
                     const struct toll_spot *per_at, const struct toll_meter *meter, uint64_t *ret)
{
	struct toll_per per = { 1, TOLL_PER_COUNT };

	if (!per_at->node && unit_of(meter->kind) != TOLL_PER_COUNT) {
		toll_reading_error(r, at, "per is missing: write %s",
		                   toll_per_example(unit_of(meter->kind)));
		return false;
	}
	if (per_at->node && !read_amount(r, per_at, &per))
		return false;
	if (per.unit == TOLL_PER_STEPS) {
		if (!resolve_steps(r, per_at, meter->step, &per))
			return false;
	} else if (!fits(meter->kind, per.unit)) {
		refuse_unit(r, per_at, meter->kind);
		return false;
	}
	*ret = per.base;
	return true;
}

/* The dollars are taken by their text: quotes make no difference. */
static bool read_usd(struct toll_reading *r, const struct toll_spot *at, uint64_t per,
                     struct toll_rate *ret)
{
	int err = TOLL_EINVALID;

	if (at->node->kind == TOLL_YAML_SCALAR)
		err = toll_rate_parse(at->node->text, per, ret);
	if (err == TOLL_ETOOBIG)
		toll_reading_bad_value(r, at, "is more than 1e12 dollars");
	else if (err)
		toll_reading_bad_value(
			r, at, "must be a finite decimal number of dollars, 0 or more, as in 2.50");
	return !err;
}

/* ---- tiers ---- */

struct tier_spots {
	struct toll_spot over, of, usd, per;
};

static const struct toll_member tier_members[] = {
	{ "over", .keep = offsetof(struct tier_spots, over), .required = true },
	{ "of", .keep = offsetof(struct tier_spots, of) },
	{ "usd", .keep = offsetof(struct tier_spots, usd), .required = true },
	{ "per", .keep = offsetof(struct tier_spots, per) },
	{ 0 },
};

static bool read_of(struct toll_reading *r, const struct toll_spot *at,
                    enum toll_quantity_kind *kind)
{
	if (!at->node)
		return true;
	if (at->node->kind == TOLL_YAML_SCALAR)
		*kind = toll_quantity_named(at->node->text);
	if (at->node->kind == TOLL_YAML_SCALAR && *kind != TOLL_QUANTITY_COUNT)
		return true;
	toll_read_unknown_meter(r, at);
	return false;
}

static bool read_tier(struct toll_reading *r, const struct toll_spot *at,
                      const struct toll_meter *meter, const struct toll_spot *per_at,
                      struct toll_tier *ret)
{
	struct tier_spots spots = { 0 };
	uint64_t per;

	if (!toll_read_members(r, at, tier_members, &spots) || !spots.over.node || !spots.usd.node)
		return false;
	ret->of = meter->kind;
	if (!read_of(r, &spots.of, &ret->of) || !read_quantity(r, &spots.over, ret->of, &ret->over))
		return false;
	return read_per(r, at, spots.per.node ? &spots.per : per_at, meter, &per) &&
	       read_usd(r, &spots.usd, per, &ret->rate);
}

static bool read_tiers(struct toll_reading *r, const struct toll_spot *at,
                       const struct toll_spot *per_at, struct toll_meter *meter)
{
	struct toll_tier *tiers;
	bool ok = true;

	if (!toll_read_is_list(r, at))
		return false;
	if (at->node->count > TOLL_PRICES_TIERS) {
		toll_reading_bad_value(r, at, "has more than %d tiers", TOLL_PRICES_TIERS);
		return false;
	}
	tiers = toll_reading_new(r, struct toll_tier, at->node->count);
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot item = toll_spot_of(at, i);
		bool good = read_tier(r, &item, meter, per_at, &tiers[i]);

		if (good && ok && i &&
		    (tiers[i].of != tiers[0].of || tiers[i].over <= tiers[i - 1].over)) {
			toll_reading_error(
				r, &item,
				"tiers go up, by one and the same quantity: over must be "
				"more than that of the tier before");
			good = false;
		}
		ok = ok && good;
	}
	meter->tiers = tiers;
	meter->tier_count = (uint32_t)at->node->count;
	return ok && !r->err;
}

bool toll_read_rate(struct toll_reading *r, const struct toll_spot *at,
                    const struct toll_rate_spots *spots, struct toll_meter *meter)
{
	uint64_t per = 1;
	bool ok = read_quantity(r, &spots->step, meter->kind, &meter->step);

	ok = read_quantity(r, &spots->at_least, meter->kind, &meter->at_least) && ok;
	if (!spots->usd.node || !ok || !read_per(r, at, &spots->per, meter, &per))
		return false;
	ok = read_usd(r, &spots->usd, per, &meter->rate);
	if (spots->tiers.node)
		ok = read_tiers(r, &spots->tiers, &spots->per, meter) && ok;
	return ok;
}
