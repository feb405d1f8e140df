/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what the enforcer shows to Prometheus. */
#ifndef TOLL_ENFORCER_METRICS_H
#define TOLL_ENFORCER_METRICS_H

#include "budget/flags.h"
#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/totals/spend_rows.h"
#include "pipeline/metrics.h"

/* Labels are bounded by max_services. redis: the counters about Redis are meaningful. */
void toll_enforcer_metrics(struct toll_totals *t, const struct toll_counters *c, bool redis,
                           struct toll_metrics_writer *w);

/* The copy of flags: how many are throttled, how old it is. */
void toll_flags_metrics(struct toll_flag_source *flags, struct toll_metrics_writer *w);

#endif
