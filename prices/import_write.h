/* SPDX-License-Identifier: Apache-2.0 */
/* import_write.h - how importers write a price document: one row, one line.
 *
 * begin; rows of rules; rows of units; end. A rule: rule, conditions, price, meters, price_end,
 * rule_end. */
#ifndef TOLL_PRICES_IMPORT_WRITE_H
#define TOLL_PRICES_IMPORT_WRITE_H

#include "prices/import.h"

void toll_import_begin(struct toll_import *im);
/* 0, or TOLL_EINVALID where no row was written. */
int toll_import_end(struct toll_import *im, struct toll_error *reterr) TOLL_MUST_CHECK;
/* Tells the caller; why is a literal or lives through the call. */
void toll_import_leave_out(struct toll_import *im, struct toll_slice what, const char *why);

/* A price that may stand in a document: an unsigned decimal, exponent allowed. */
bool toll_import_is_amount(struct toll_slice text);
/* YYYY-MM-DD at the beginning of a text; an empty slice where there is none. */
struct toll_slice toll_import_day(struct toll_slice text);
/* Whether a text can be an id or a condition: there, short, without control characters. */
bool toll_import_fits(struct toll_slice text);

void toll_import_rule(struct toll_import *im, struct toll_slice id, const char *suffix);
void toll_import_exact(struct toll_import *im, const char *field, struct toll_slice text);
void toll_import_one_of(struct toll_import *im, const char *field, const struct toll_slice *texts,
                        size_t count);
/* op: "prefix", "suffix", "glob". */
void toll_import_pattern(struct toll_import *im, const char *field, const char *op,
                         struct toll_slice text);
/* The words of a text, as one_of. */
void toll_import_words(struct toll_import *im, const char *field, const char *words);
/* Conditions as they stand in a document already, without braces. */
void toll_import_verbatim(struct toll_import *im, struct toll_slice conditions);

void toll_import_price(struct toll_import *im);
void toll_import_price_end(struct toll_import *im);
void toll_import_free(struct toll_import *im); /* instead of a price */
/* per: "1M". more: NULL, or further members ("step: 64KiB"). The meter stays open for tiers. */
void toll_import_meter(struct toll_import *im, const char *meter, struct toll_slice usd,
                       const char *per, const char *more);
void toll_import_tier(struct toll_import *im, unsigned long over, struct toll_slice usd,
                      bool first);
void toll_import_meter_end(struct toll_import *im, bool had_tiers);
/* Empty: open. */
void toll_import_rule_end(struct toll_import *im, struct toll_slice valid_from,
                          struct toll_slice valid_to);

/* A row of a unit. Rows of one unit come one after the other. */
void toll_import_unit(struct toll_import *im, struct toll_slice unit, struct toll_slice usd,
                      const char *per, struct toll_slice valid_from, struct toll_slice valid_to);

#endif
