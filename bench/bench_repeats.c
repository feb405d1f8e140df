/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to know a repeated request: per request of 512 spans the digest of its bytes, and
 * the ring with 16 MiB of them, by one thread and by four that share it; per span its fingerprint.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "bench/bench.h"
#include "pipeline/repeats.h"

enum { REQUEST = 512 * 470, OPS = 1000, THREADS = 4 };

static struct toll_repeats *ring;
static char request[REQUEST];
static _Atomic uint64_t serial;

static void digest(void *ctx)
{
	uint64_t d[2];

	toll_repeats_digest(ring, toll_slice(request, sizeof(request)), 1, 0, d);
	((volatile uint64_t *)ctx)[0] = d[0];
}

static void *take(void *unused)
{
	(void)unused;
	for (int i = 0; i < OPS; i++) {
		uint64_t n = atomic_fetch_add(&serial, 1);
		struct toll_repeat p = { 0 };

		toll_hash_128(toll_slice((const char *)&n, sizeof(n)), 7, p.digest);
		if (toll_repeats_begin(ring, &p, NULL) == TOLL_REPEATS_NEW)
			toll_repeats_answer(toll_repeats_settle(ring, &p, true), 0);
	}
	return NULL;
}

/* What fingerprints add to a span. */
static void know_span(void *unused)
{
	(void)unused;
	for (int i = 0; i < OPS; i++) {
		const uint64_t n[3] = { atomic_fetch_add(&serial, 1), 1, 2 };
		uint64_t print[2];

		toll_repeats_digest(ring, toll_slice((const char *)n, sizeof(n)), 0, 0, print);
		if (!toll_repeats_knows(ring, print))
			toll_repeats_remember(ring, print, 0);
	}
}

static void take_one_thread(void *unused)
{
	take(unused);
}

static void take_many_threads(void *unused)
{
	pthread_t threads[THREADS];

	(void)unused;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, take, NULL))
			exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* The longest that one request had to wait while the ring grew to its end, in ns. */
static double longest(void)
{
	uint64_t worst = 0;

	for (int i = 0; i < 700000; i++) {
		struct toll_repeat p = { .digest = { (uint64_t)i * 0x9e3779b97f4a7c15, i } };
		uint64_t start = toll_clock_mono_ns(), took;

		if (toll_repeats_begin(ring, &p, NULL) == TOLL_REPEATS_NEW)
			toll_repeats_answer(toll_repeats_settle(ring, &p, true), 0);
		took = toll_clock_mono_ns() - start;
		worst = took > worst ? took : worst;
	}
	return (double)worst;
}

int main(void)
{
	uint64_t sink[1];

	ring = toll_repeats_new(1);
	if (!ring)
		return 1;
	toll_repeats_limit(ring, 600 * TOLL_S, 16 << 20);
	memset(request, 7, sizeof(request));
	bench_run("repeats/digest_of_512_spans", digest, sink, 1);
	printf("repeats/longest_growth\t%.0f\n", longest());
	bench_run("repeats/request_1_thread", take_one_thread, NULL, OPS);
	bench_run("repeats/span_of_fingerprints", know_span, NULL, OPS);
	bench_run("repeats/request_4_threads", take_many_threads, NULL, OPS * THREADS);
	toll_repeats_free(ring);
	return 0;
}
