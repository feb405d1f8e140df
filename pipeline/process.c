/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

/* Inside a container this is the container's own group. */
#define CGROUP "/sys/fs/cgroup/"

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * TOLL_S + (uint64_t)t.tv_usec * TOLL_US;
}

uint64_t toll_process_cpu_ns(void)
{
	struct rusage use;

	if (getrusage(RUSAGE_SELF, &use))
		return 0;
	return timeval_ns(use.ru_utime) + timeval_ns(use.ru_stime);
}

/* The first line of a file, as text; "" when there is none. */
static const char *read_line(const char *path, char *buf, int size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, size, f))
		buf[0] = '\0';
	if (f)
		fclose(f);
	return buf;
}

/* 0: no number ("max", no such file). */
static size_t read_number(const char *path)
{
	char line[64];

	return (size_t)strtoull(read_line(path, line, sizeof(line)), NULL, 10);
}

/* statm: pages in all, then resident pages. */
size_t toll_process_rss(void)
{
	char line[128], *second;

	strtoull(read_line("/proc/self/statm", line, sizeof(line)), &second, 10);
	return (size_t)strtoull(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t machine_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

size_t toll_process_memory_total(void)
{
	size_t machine = machine_memory(), cgroup = read_number(CGROUP "memory.max");

	return cgroup && (!machine || cgroup < machine) ? cgroup : machine;
}

/* Page cache the kernel can take back at once. */
static size_t inactive_file(void)
{
	static const char name[] = "inactive_file ";
	FILE *f = fopen(CGROUP "memory.stat", "re");
	char line[128];
	size_t bytes = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, sizeof(name) - 1) == 0)
			bytes = (size_t)strtoull(line + sizeof(name) - 1, NULL, 10);
	if (f)
		fclose(f);
	return bytes;
}

void toll_process_cgroup(size_t *ret_used, size_t *ret_limit)
{
	size_t used = read_number(CGROUP "memory.current"), cache;

	*ret_limit = read_number(CGROUP "memory.max");
	*ret_used = 0;
	if (!*ret_limit)
		return;
	cache = inactive_file();
	*ret_used = used > cache ? used - cache : 0;
}
