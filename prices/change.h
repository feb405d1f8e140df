/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - how far a new price book moves prices: what keeps a typing error from a whole fleet.
 */
#ifndef TOLL_PRICES_CHANGE_H
#define TOLL_PRICES_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

struct toll_pricebook;

struct toll_price_change {
	uint32_t rows;  /* that move by more than was asked for */
	double factor;  /* of the row that moves most; infinite: from or to nothing */
	char text[224]; /* that row: 'row "shop:*": duration from 1e-09 to 1e-06 USD per ns' */
};

/* Rows of from and to are the same where their ids are; of rows with dates, a new one is compared
 * with the old one that is valid at its beginning, or now where that is past; what ends before
 * now_s (Unix seconds) does not count. Meters are compared kind by kind, tiers one by one. New rows
 * and rows that are gone move nothing. False: nothing moves by more than `most` times. TOLL_ENOMEM
 * counts as a change: what cannot be compared is not taken unseen. */
bool toll_price_changes(const struct toll_pricebook *from, const struct toll_pricebook *to,
                        int64_t most, int64_t now_s, struct toll_price_change *ret);

#endif
