/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the readers of the parts of a document in format v1. Private to prices/.
 *
 * Each gives what it reads to the builder at once, so that a document is never there twice. */
#ifndef TOLL_PRICES_ROWS_H
#define TOLL_PRICES_ROWS_H

#include "cost/price_builder.h"
#include "prices/reading.h"

enum {
	TOLL_PRICES_ID = 255,     /* bytes of a rule's id */
	TOLL_PRICES_TEXT = 1024,  /* bytes of a text to compare with, of a source */
	TOLL_PRICES_TEXTS = 1000, /* texts of one one_of */
	TOLL_PRICES_TIERS = 16,
};

/* ---- members, by what *into is ---- */

/* struct toll_condition, without its field: "text" or {one_of: [...]}, {prefix: ...}, ... */
void toll_read_condition(struct toll_reading *r, const struct toll_spot *at, void *into);
/* struct toll_price_rule: */
void toll_read_match(struct toll_reading *r, const struct toll_spot *at, void *into);
void toll_read_price(struct toll_reading *r, const struct toll_spot *at, void *into);
void toll_read_source(struct toll_reading *r, const struct toll_spot *at, void *into);
void toll_read_checked_at(struct toll_reading *r, const struct toll_spot *at, void *into);
void toll_read_valid_from(struct toll_reading *r, const struct toll_spot *at, void *into);
void toll_read_valid_to(struct toll_reading *r, const struct toll_spot *at, void *into);

/* "unknown meter, did you mean ..." */
void toll_read_unknown_meter(struct toll_reading *r, const struct toll_spot *at);

/* ---- one rate ---- */

/* Where its parts stand; node NULL: nowhere. */
struct toll_rate_spots {
	struct toll_spot usd, per, step, at_least, tiers;
};

/* Of a meter whose kind is set. False: something was wrong, and told. */
bool toll_read_rate(struct toll_reading *r, const struct toll_spot *at,
                    const struct toll_rate_spots *spots, struct toll_meter *meter);

/* ---- sections; into is not used ---- */

void toll_read_rules(struct toll_reading *r, const struct toll_spot *at, void *into);
void toll_read_units(struct toll_reading *r, const struct toll_spot *at, void *into);
void toll_read_discounts(struct toll_reading *r, const struct toll_spot *at, void *into);

/* The whole document in the seed's form: "service:operation" -> {cost_per_ms}. */
void toll_read_seed(struct toll_reading *r, const struct toll_spot *at);

/* A row with the document's source and date that is valid for ever. */
struct toll_price_rule toll_reading_row(const struct toll_reading *r);
/* The builder's word on a row that was given to it. */
void toll_reading_added(struct toll_reading *r, const struct toll_spot *at, int err,
                        const struct toll_error *why);

#endif
