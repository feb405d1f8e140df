/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - spans of a sealed batch into totals: one update per run of spans of one resource. */
#ifndef TOLL_ENFORCER_FOLD_H
#define TOLL_ENFORCER_FOLD_H

#include "exporters/enforcer/totals/totals.h"
#include "pipeline/component.h"

/* Priced spans count cost x adjusted count; unpriced, free and dropped ones add nothing. Takes the
 * lock of t once per part. What is in t already, because its record has come before, is passed
 * over. received_ms: wall clock; 0: when each resource was received. */
void toll_fold_part(struct toll_totals *t, const struct toll_part *part, uint64_t received_ms);

#endif
