/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what the enforcer shows: spend rows for other components, Prometheus families. */
#ifndef TOLL_ENFORCER_METRICS_H
#define TOLL_ENFORCER_METRICS_H

#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/totals.h"
#include "pipeline/metrics.h"

/* toll_spend_source.each of a struct toll_totals. */
void toll_totals_each(struct toll_spend_source *source,
                      void (*row)(void *ctx, const struct toll_spend_row *r), void *ctx);

/* Labels are bounded by max_services. redis: the counters about Redis are meaningful. */
void toll_enforcer_metrics(struct toll_totals *t, const struct toll_counters *c, bool redis,
                           struct toll_metrics_writer *w);

#endif
