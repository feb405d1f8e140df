/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - how the cost of a span came about, as JSON: rule, quantities, rates, rounding. */
#ifndef TOLL_PRICES_EXPLAIN_H
#define TOLL_PRICES_EXPLAIN_H

#include <stdio.h>

#include "proto/batch.h"

/* One object for a span of a sealed batch that a pipeline's processors have worked on:
 *
 * trace_id, span_id, service, operation, name; state: priced, free or unpriced; amount (USD, exact
 * decimal, absent where unpriced) and exact: the sum before it was rounded, where that differs;
 * error (unpriced); region; price_version; adjusted_count and amount_in_totals; source: "client"
 * where the amount is the client's own;
 * rule {id, class, class_means, layer, priority, valid_from, valid_to, source, checked_at, match:
 * [{field, op, texts}]}, absent where none matched;
 * lines: [{meter, as, attribute, quantity, billed, unit, usd, per, rate, amount}]; as: the meter
 * whose rate stands in; usd per `per` of the unit is the rate, exactly; rate says it as people do.
 */
void toll_explain_span(const struct toll_batch *b, const struct toll_span *s, FILE *out);

#endif
