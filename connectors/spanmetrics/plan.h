/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what spanmetrics is told, and what follows from it: dimensions, bounds, metric names.
 *
 * Names and defaults are those of the Collector's spanmetrics connector; metric and label names
 * those that its Prometheus exporter makes of them. */
#ifndef TOLL_CONNECTORS_SPANMETRICS_PLAN_H
#define TOLL_CONNECTORS_SPANMETRICS_PLAN_H

#include "config/schema.h"
#include "proto/batch.h"

#define TOLL_SPANMETRICS_DIMENSIONS_MAX 24
#define TOLL_SPANMETRICS_BOUNDS_MAX     64
/* Longer values are cut: what a series costs has to have an end. */
#define TOLL_SPANMETRICS_VALUE_MAX 128
#define TOLL_SPANMETRICS_KEY_MAX \
	(TOLL_SPANMETRICS_DIMENSIONS_MAX * (1 + TOLL_SPANMETRICS_VALUE_MAX))

enum toll_spanmetrics_unit { TOLL_SPANMETRICS_MS = 0, TOLL_SPANMETRICS_S };

struct toll_spanmetrics_dimension_settings {
	struct toll_slice name, preset;
};

struct toll_spanmetrics_explicit {
	struct toll_slice_list buckets;
};

struct toll_spanmetrics_histogram {
	bool disable;
	int unit; /* enum toll_spanmetrics_unit */
	struct toll_spanmetrics_explicit explicit;
};

struct toll_spanmetrics_config {
	struct toll_slice namespace;
	struct toll_group_list dimensions;
	struct toll_slice_list exclude_dimensions;
	struct toll_spanmetrics_histogram histogram;
	uint64_t metrics_expiration; /* ns; 0: never */
	int64_t aggregation_cardinality_limit;
};

extern const struct toll_field toll_spanmetrics_fields[];

/* Also what toll_spanmetrics_plan_new() relies on. */
void toll_spanmetrics_validate(const void *config, struct toll_reporter *r);

enum toll_spanmetrics_source {
	TOLL_SPANMETRICS_SERVICE = 0,
	TOLL_SPANMETRICS_NAME,
	TOLL_SPANMETRICS_KIND,
	TOLL_SPANMETRICS_STATUS,
	TOLL_SPANMETRICS_ATTRIBUTE, /* the span's, else its resource's */
};

struct toll_spanmetrics_dimension {
	enum toll_spanmetrics_source source;
	struct toll_slice name, preset; /* ATTRIBUTE */
	char *label;                    /* "http_request_method" */
};

struct toll_spanmetrics_plan {
	struct toll_spanmetrics_dimension dimensions[TOLL_SPANMETRICS_DIMENSIONS_MAX];
	size_t dimension_count;
	uint64_t bounds_ns[TOLL_SPANMETRICS_BOUNDS_MAX]; /* ascending; the last is not +Inf */
	uint32_t bound_count;
	bool histogram, seconds;
	char *calls, *duration, *cost; /* metric names */
};

/* config has been validated, and outlives the plan. NULL: out of memory. */
struct toll_spanmetrics_plan *
toll_spanmetrics_plan_new(const struct toll_spanmetrics_config *config);
struct toll_spanmetrics_plan *
toll_spanmetrics_plan_free(struct toll_spanmetrics_plan *p); /* always returns NULL */

/* The values of all dimensions, each behind its length in one byte; 0: none. */
size_t toll_spanmetrics_key(const struct toll_spanmetrics_plan *p, const struct toll_batch *b,
                            const struct toll_span *s, char key[TOLL_SPANMETRICS_KEY_MAX]);

#endif
