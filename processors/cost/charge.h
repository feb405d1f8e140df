/* SPDX-License-Identifier: Apache-2.0 */
/* charge.h - what a span costs by the price that `pricing` has found, or why that cannot be said.
 */
#ifndef TOLL_PROCESSORS_COST_CHARGE_H
#define TOLL_PROCESSORS_COST_CHARGE_H

#include "cost/price_charge.h"
#include "proto/batch.h"

/* Sets state, amount, and the reason and sentence of an unpriced span; fills bill, if not NULL. */
void toll_cost_charge(struct toll_batch *b, struct toll_span *s, struct toll_bill *bill);
void toll_cost_unpriced(struct toll_span *s, enum toll_unpriced why, struct toll_slice sentence);

#endif
