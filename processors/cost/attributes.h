/* SPDX-License-Identifier: Apache-2.0 */
/* attributes.h - writes cost.* on a span in place of what a client has sent there. */
#ifndef TOLL_PROCESSORS_COST_ATTRIBUTES_H
#define TOLL_PROCESSORS_COST_ATTRIBUTES_H

#include "cost/price_charge.h"
#include "proto/batch.h"

enum { TOLL_COST_TEMPLATE = 512 }; /* bytes of four attributes with the longest region */

/* The attributes of a priced span in one region, encoded: made anew only where the region changes;
 * two numbers are filled in per span. Starts with len = 0. */
struct toll_cost_template {
	struct toll_slice region;
	bool from_client;
	char bytes[TOLL_COST_TEMPLATE];
	size_t len, amount_at, duration_at;
};

/* A client's cost.* attributes never enter the accounting; cost.units.* are not touched. */
int toll_cost_remove_client(struct toll_batch *b, struct toll_node *n) TOLL_MUST_CHECK;

/* Of a priced or free, and of an unpriced span. TOLL_ENOMEM, TOLL_ETOOBIG. */
int toll_cost_write_priced(struct toll_batch *b, struct toll_span *s, bool from_client,
                           struct toll_cost_template *t) TOLL_MUST_CHECK;
int toll_cost_write_unpriced(struct toll_batch *b, struct toll_span *s,
                             bool from_client) TOLL_MUST_CHECK;

/* cost.catalog.version: the version of the price book. */
int toll_cost_write_version(struct toll_batch *b, struct toll_span *s) TOLL_MUST_CHECK;
/* cost.breakdown.<meter>, a double in USD for each line of the bill; lines of one name together. */
int toll_cost_write_breakdown(struct toll_batch *b, struct toll_span *s,
                              const struct toll_bill *bill) TOLL_MUST_CHECK;

#endif
