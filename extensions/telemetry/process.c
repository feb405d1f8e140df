/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/telemetry/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "pipeline/metrics.h"

static void write_seconds(struct toll_metrics_writer *w, uint64_t us)
{
	char text[32];
	int len =
		snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);

	toll_metrics_sample_text(w, NULL, 0, toll_slice(text, (size_t)len));
}

static uint64_t cpu_us(void)
{
	struct rusage use = { 0 };

	getrusage(RUSAGE_SELF, &use);
	return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

/* 0 where /proc is not mounted. */
static uint64_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t total, resident = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64 " %" SCNu64, &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void toll_process_metrics_write(struct toll_metrics_writer *w, uint64_t uptime_ns)
{
	toll_metrics_family(w, "otelcol_process_uptime", TOLL_METRIC_COUNTER,
	                    "Seconds since the process was started.");
	write_seconds(w, uptime_ns / TOLL_US);
	toll_metrics_family(w, "otelcol_process_cpu_seconds", TOLL_METRIC_COUNTER,
	                    "Processor time used, in user and kernel mode, in seconds.");
	write_seconds(w, cpu_us());
	toll_metrics_family(w, "otelcol_process_memory_rss", TOLL_METRIC_GAUGE,
	                    "Resident memory in bytes.");
	toll_metrics_sample(w, NULL, 0, resident_bytes());
}
