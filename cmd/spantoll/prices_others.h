/* SPDX-License-Identifier: Apache-2.0 */
/* prices_others.h - the rules beside the one that prices a span, each with the reason why it does
 * not. */
#ifndef TOLL_CMD_PRICES_OTHERS_H
#define TOLL_CMD_PRICES_OTHERS_H

#include "cmd/spantoll/prices_why.h"

enum { TOLL_PRICES_OTHERS = 20, TOLL_PRICES_NEAREST = 5 };

struct toll_prices_other {
	const struct toll_price *price;
	char why[TOLL_WHY_TEXT + 256];
};

/* The others that match, in the order they are tried; winner NULL: none is valid. Returns how many.
 */
size_t toll_prices_others(const struct toll_pricebook *book, const struct toll_price_lookup *l,
                          int64_t at_s, const struct toll_price *winner,
                          struct toll_prices_other others[TOLL_PRICES_OTHERS]);
/* Those that match but for one condition, the nearest first. */
size_t toll_prices_nearest(const struct toll_pricebook *book, const struct toll_price_lookup *l,
                           struct toll_prices_other others[TOLL_PRICES_NEAREST]);

#endif
