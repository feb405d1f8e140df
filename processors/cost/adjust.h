/* SPDX-License-Identifier: Apache-2.0 */
/* adjust.h - how many spans a sampled one stands for. */
#ifndef TOLL_PROCESSORS_COST_ADJUST_H
#define TOLL_PROCESSORS_COST_ADJUST_H

#include "proto/batch.h"

/* Sets threshold and adjusted_count by the tracestate, see proto/sampling.h. most: 0: it stays 1.
 * False: it would be over most, and the span is now unpriced. */
bool toll_cost_adjust(struct toll_span *s, uint64_t most);

#endif
