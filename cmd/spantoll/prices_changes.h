/* SPDX-License-Identifier: Apache-2.0 */
/* prices_changes.h - which meters of a row changed, and by how much. */
#ifndef TOLL_CMD_PRICES_CHANGES_H
#define TOLL_CMD_PRICES_CHANGES_H

#include "cost/pricebook.h"

struct toll_prices_change {
	const struct toll_meter *old, *new; /* NULL: not there */
};

/* Those that are not the same in both rows; returns how many. */
size_t toll_prices_changes(const struct toll_price_rule *old, const struct toll_price_rule *new,
                           struct toll_prices_change changes[2 * TOLL_PRICE_METERS]);
/* Only for show: money is never a floating point number. 0: there is none. */
double toll_prices_factor(const struct toll_rate *old, const struct toll_rate *new);

#endif
