/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - how the journals below a directory are: for /metrics, and as health of the extension.
 */
#ifndef TOLL_EXTENSIONS_FILE_STORAGE_REPORT_H
#define TOLL_EXTENSIONS_FILE_STORAGE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/component.h"
#include "pipeline/metrics.h"

struct toll_spools;

/* Something that happened, of all journals together. */
struct toll_storage_event {
	uint64_t count; /* at the last look */
	uint64_t until; /* mono ns: so long it is still worth a word */
};

struct toll_storage_report {
	struct toll_storage_event dropped, failed; /* records; writes and syncs */
	bool told;                                 /* health is degraded because of us */
};

/* Any thread. */
void toll_storage_metrics(struct toll_spools *spools, const char *directory,
                          struct toll_metrics_writer *w);

/* Sets the component's health when it changes. Main thread. */
void toll_storage_look(struct toll_storage_report *r, struct toll_spools *spools,
                       const char *directory, const struct toll_component *c);

#endif
