/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - times one thing over and over; prints `name<TAB>ns/op`, the best of several rounds. */
#ifndef TOLL_BENCH_BENCH_H
#define TOLL_BENCH_BENCH_H

#include <stdio.h>
#include <time.h>

static inline double bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* fn does `ops` operations per call. CPU time, not wall time: the machines are shared. */
static inline void bench_run(const char *name, void (*fn)(void *ctx), void *ctx, double ops)
{
	double best = 1e18;
	int calls = 1;

	for (int round = 0; round < 12; round++) {
		double start = bench_now_ns(), took;

		for (int i = 0; i < calls; i++)
			fn(ctx);
		took = bench_now_ns() - start;
		if (took < 2e7 && calls < 1 << 24)
			calls *= 2;
		if (round > 3 && took / calls / ops < best)
			best = took / calls / ops;
	}
	printf("%s\t%.1f\n", name, best);
}

#endif
