/* SPDX-License-Identifier: Apache-2.0 */
/* What journaling adds: CPU per span of appending requests of 512 spans (checksum, write and sync,
 * all threads of the process), and how long an append waits for its answer, on the disk that holds
 * the working directory (or the directory named). */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "bench/bench.h"
#include "pipeline/journal.h"

enum { SPANS = 512, SPAN_BYTES = 470, REQUESTS = 1500, IN_FLIGHT = 32, ALONE = 300 };

static char request[SPANS * SPAN_BYTES];
static sem_t room;
static struct toll_journal_cursor *cursor;

static void answered(struct toll_journal_entry *e, int err)
{
	if (err < 0) {
		fprintf(stderr, "not journaled: %s\n", toll_err_text(err));
		exit(1);
	}
	toll_journal_advance(cursor, e->end);
	sem_post(&room);
}

static void append(struct toll_journal *j, struct toll_journal_entry *e, size_t len)
{
	*e = (struct toll_journal_entry){ .parts = { toll_slice(request, len) },
		                          .part_count = 1,
		                          .done = answered };
	if (toll_journal_append(j, e) < 0)
		exit(1);
}

static void wait_for_room(void)
{
	while (sem_wait(&room) < 0)
		continue;
}

/* As fast as the disk goes, as many as there are workers and streams behind them. */
static double throughput(struct toll_journal *j, size_t len, int requests)
{
	static struct toll_journal_entry entries[IN_FLIGHT];
	double start = bench_now_ns();

	sem_init(&room, 0, IN_FLIGHT);
	for (int i = 0; i < requests; i++) {
		wait_for_room();
		append(j, &entries[i % IN_FLIGHT], len);
	}
	for (int i = 0; i < IN_FLIGHT; i++)
		wait_for_room();
	return (bench_now_ns() - start) / requests;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One at a time, with pauses: what a client waits. */
static void latency(struct toll_journal *j, const char *name, size_t len)
{
	static uint64_t took[ALONE];
	struct toll_journal_entry e;

	sem_init(&room, 0, 0);
	for (int i = 0; i < ALONE; i++) {
		uint64_t start = toll_clock_mono_ns();

		append(j, &e, len);
		wait_for_room();
		took[i] = toll_clock_mono_ns() - start;
		usleep(3000);
	}
	qsort(took, ALONE, sizeof(*took), by_size);
	printf("journal_wait_%s_p50\t%llu\n", name, (unsigned long long)took[ALONE / 2]);
	printf("journal_wait_%s_p99\t%llu\n", name, (unsigned long long)took[ALONE * 99 / 100]);
}

static void checksum(void *ctx)
{
	uint32_t *crc = ctx;

	*crc = toll_crc32c(*crc, request, sizeof(request));
}

int main(int argc, char **argv)
{
	char path[200];
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(path, "journal/bench");
	char command[256];
	struct toll_journal *j;
	struct toll_error why;
	double best = 1e18;
	uint32_t crc = 0;

	snprintf(path, sizeof(path), "%s/journal-XXXXXX", argc > 1 ? argv[1] : ".");
	if (!mkdtemp(path) || toll_journal_open(&set, &j, &why) < 0 ||
	    toll_journal_cursor(j, "c", &cursor) < 0) {
		fprintf(stderr, "no journal in %s\n", path);
		return 1;
	}
	for (size_t i = 0; i < sizeof(request); i++)
		request[i] = (char)(i * 7 + (i >> 9));
	bench_run("journal_crc32c_per_span", checksum, &crc, SPANS);
	for (int round = 0; round < 4; round++) {
		double ns = throughput(j, sizeof(request), REQUESTS);

		best = round && ns < best ? ns : best;
	}
	printf("journal_append_512_spans\t%.1f\n", best / SPANS);
	printf("journal_append_1_span\t%.1f\n", throughput(j, SPAN_BYTES, 20000));
	latency(j, "1_span", SPAN_BYTES);
	latency(j, "512_spans", sizeof(request));
	toll_journal_close(j, 0);
	snprintf(command, sizeof(command), "rm -r '%s'", path);
	return system(command);
}
