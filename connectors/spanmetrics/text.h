/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - the series as Prometheus text. */
#ifndef TOLL_CONNECTORS_SPANMETRICS_TEXT_H
#define TOLL_CONNECTORS_SPANMETRICS_TEXT_H

#include "connectors/spanmetrics/plan.h"
#include "connectors/spanmetrics/series.h"
#include "pipeline/metrics.h"

/* id: of the connector, for its own counters. owner: label connector="owner" on every series, where
 * there are several connectors; "" for none. */
void toll_spanmetrics_write(struct toll_metrics_writer *w, const struct toll_spanmetrics_plan *plan,
                            struct toll_span_series_store *store, const char *id, const char *owner,
                            uint64_t now_mono_ns);

#endif
