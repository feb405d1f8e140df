/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/process.h"

#include <stdio.h>
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

/* The first number of a file that holds one; 0: none ("max", no such file). */
static size_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &n) != 1)
		n = 0;
	fclose(f);
	return (size_t)n;
}

size_t toll_process_rss(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
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
	FILE *f = fopen(CGROUP "memory.stat", "re");
	unsigned long long bytes = 0;
	char name[64];

	if (!f)
		return 0;
	while (fscanf(f, "%63s %llu", name, &bytes) == 2)
		if (strcmp(name, "inactive_file") == 0)
			break;
		else
			bytes = 0;
	fclose(f);
	return (size_t)bytes;
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
