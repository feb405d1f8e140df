/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

int toll_thread_start(pthread_t *ret, const char *name, void *(*fn)(void *), void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(ret, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return TOLL_ENOMEM;
	pthread_setname_np(*ret, name);
	return 0;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / TOLL_S), (long)(ns % TOLL_S) };
}

int toll_thread_join_until(pthread_t t, uint64_t mono_deadline_ns)
{
	const struct timespec until = timespec_of(mono_deadline_ns);

	if (!mono_deadline_ns)
		return pthread_join(t, NULL) ? TOLL_EINTERNAL : 0;
	return pthread_clockjoin_np(t, NULL, CLOCK_MONOTONIC, &until) ? TOLL_ETIMEOUT : 0;
}

/* cpu.max of cgroup v2: "max 100000" or "<quota> <period>", in microseconds. 0: no limit. */
static unsigned cgroup_cpus(void)
{
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
	unsigned long quota = 0, period = 0;
	char text[64] = "", *end = text;

	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f))
		quota = strtoul(text, &end, 10);
	if (end != text)
		period = strtoul(end, NULL, 10);
	fclose(f);
	return period ? (unsigned)((quota + period - 1) / period) : 0;
}

unsigned toll_cpu_count(void)
{
	cpu_set_t set;
	unsigned quota = cgroup_cpus();
	unsigned n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	if (quota && quota < n)
		n = quota;
	return n ? n : 1;
}

int toll_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	int err = pthread_condattr_init(&attr);

	if (err)
		return TOLL_ENOMEM;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	err = pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
	return err ? TOLL_ENOMEM : 0;
}

int toll_cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t mono_deadline_ns)
{
	const struct timespec t = timespec_of(mono_deadline_ns);

	if (!mono_deadline_ns) {
		pthread_cond_wait(c, m);
		return 0;
	}
	return pthread_cond_timedwait(c, m, &t) ? TOLL_ETIMEOUT : 0;
}
