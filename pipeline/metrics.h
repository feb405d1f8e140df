/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - Prometheus text from the components' counters and their own metric families. */
#ifndef TOLL_PIPELINE_METRICS_H
#define TOLL_PIPELINE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/slice.h"

enum toll_metric_type { TOLL_METRIC_COUNTER = 0, TOLL_METRIC_GAUGE, TOLL_METRIC_HISTOGRAM };

/* Grows as text is written; a failed allocation sticks and shows in failed. */
struct toll_metrics_writer {
	char *text;
	size_t len, room;
	int failed;
	int type_suffix;    /* 1: counters end in _total (without_type_suffix: false) */
	const char *family; /* of the samples that follow */
	const char *part;   /* of a histogram: "_bucket"; NULL: none */
	enum toll_metric_type type;
};

/* Begins a family, or goes on with one: where several components of a type write the same one, its
 * samples come together under one head, as scrapers want; it moves to the end of the page. */
void toll_metrics_family(struct toll_metrics_writer *w, const char *name,
                         enum toll_metric_type type, const char *help);

/* Which part of a histogram the next samples are: "_bucket", "_sum", "_count". */
void toll_metrics_part(struct toll_metrics_writer *w, const char *part);

struct toll_label {
	const char *name;
	struct toll_slice value; /* escaped on output */
};

void toll_metrics_sample(struct toll_metrics_writer *w, const struct toll_label *labels,
                         size_t label_count, uint64_t value);
/* The value as text that is already a number: exact decimals ("12.000000000004"). */
void toll_metrics_sample_text(struct toll_metrics_writer *w, const struct toll_label *labels,
                              size_t label_count, struct toll_slice value);

void toll_metrics_release(struct toll_metrics_writer *w);

struct toll_host_tag;

/* Called from the metrics server's thread at each scrape. Lives inside the component. */
struct toll_metrics_source {
	void (*collect)(struct toll_metrics_source *self, struct toll_metrics_writer *w);
	/* The host's. */
	struct toll_metrics_source *next;
	const struct toll_host_tag *tag;
};

#endif
