/* SPDX-License-Identifier: Apache-2.0 */
/* fingerprints.h - spans that come again in other requests, from a Collector that batches anew:
 * known by trace id and span id once their request has been taken. Two that are on their way at the
 * same time are both taken. Any thread. */
#ifndef TOLL_PIPELINE_FINGERPRINTS_H
#define TOLL_PIPELINE_FINGERPRINTS_H

#include "pipeline/repeats.h"

struct toll_batch;

/* Drops those that were taken before. The batch is not sealed yet. */
void toll_fingerprints_drop(struct toll_repeats *known, struct toll_batch *b);
/* Its spans have been taken, those that processors dropped as well. */
void toll_fingerprints_remember(struct toll_repeats *known, const struct toll_batch *b);

#endif
