/* SPDX-License-Identifier: Apache-2.0 */
/* adjust.h - how many spans a sampled one stands for. */
#ifndef TOLL_PROCESSORS_COST_ADJUST_H
#define TOLL_PROCESSORS_COST_ADJUST_H

#include "proto/batch.h"

/* Sets adjusted_count by the sampling threshold in the tracestate: 2^56 / (2^56 - th), to the
 * nearest integer (OpenTelemetry specification, "Adjusted count"). most: 0: it stays 1. False: it
 * would be over most, and the span is now unpriced. A malformed tracestate says nothing. */
bool toll_cost_adjust(struct toll_span *s, uint64_t most);

#endif
