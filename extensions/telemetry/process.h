/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - what the process itself uses: time, processor, memory. */
#ifndef TOLL_TELEMETRY_PROCESS_H
#define TOLL_TELEMETRY_PROCESS_H

#include <stdint.h>

struct toll_metrics_writer;

void toll_process_metrics_write(struct toll_metrics_writer *w, uint64_t uptime_ns);

#endif
