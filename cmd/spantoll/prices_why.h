/* SPDX-License-Identifier: Apache-2.0 */
/* prices_why.h - why one rule comes before another: the order of cost/pricebook.h in sentences. */
#ifndef TOLL_CMD_PRICES_WHY_H
#define TOLL_CMD_PRICES_WHY_H

#include "cost/pricebook.h"

#define TOLL_WHY_TEXT 160

/* The first thing that puts winner before other, for a line about other. Returns buf. */
const char *toll_prices_why_after(const struct toll_price *winner, const struct toll_price *other,
                                  char buf[TOLL_WHY_TEXT]);
/* "service and operation", ...; class: 1 to 4. */
const char *toll_prices_class_text(unsigned class);

/* How many conditions do not hold of a span with these values; *ret_first: index of the first one.
 */
uint32_t toll_prices_failing(const struct toll_price *price, const struct toll_price_lookup *l,
                             uint32_t *ret_first);
bool toll_prices_is_valid(const struct toll_price_rule *rule, int64_t at_s);

#endif
