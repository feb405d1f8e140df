/* SPDX-License-Identifier: Apache-2.0 */
/* How fast an exporter comes back after an outage: a backlog in a journal, requests of 512 spans,
 * while 20,000 spans a second go on coming in, to an exporter that encodes what it gets as OTLP. In
 * the working directory (or the directory named), which is left as it was. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "bench/bench.h"
#include "pipeline/record.h"
#include "pipeline/runner.h"
#include "pipeline/spool.h"
#include "proto/otlp_encode.h"
#include "tests/support/shop.h"

enum { SPANS = 512, BACKLOG = 1200, INPUT = 20000 };

struct append {
	struct toll_journal_entry entry;
	void *memory;
};

static struct toll_runner *runner;
static unsigned lane;
static struct toll_batch *batch;
static atomic_uint_fast64_t durable, exported;
static atomic_bool done;
static struct toll_journal *journal;

static int export_parts(struct toll_exporter *e, struct toll_delivery *d)
{
	static char *bytes;
	static size_t room;

	(void)e;
	for (uint32_t i = 0; i < d->part_count; i++) {
		const struct toll_selection all = { d->parts[i].batch, d->parts[i].first,
			                            d->parts[i].count };
		size_t size = toll_otlp_size(&all);

		if (size > room) {
			free(bytes);
			bytes = malloc(size);
			room = size;
		}
		if (!bytes)
			abort();
		toll_otlp_encode(&all, bytes);
	}
	atomic_fetch_add(&exported, d->span_count);
	toll_delivery_done(d, 0);
	return 0;
}

static void on_record(struct toll_journal_entry *e, int err)
{
	struct append *a = toll_container_of(e, struct append, entry);

	if (err)
		exit(1);
	toll_runner_offer(runner, lane, batch, e->begin, e->end, NULL);
	atomic_fetch_add(&durable, 1);
	free(a->memory);
	free(a);
}

static void append(void)
{
	struct append *a = calloc(1, sizeof(*a));

	if (!a || toll_record_new(batch, &a->entry, &a->memory) < 0)
		abort();
	a->entry.done = on_record;
	while (toll_journal_append(journal, &a->entry) < 0)
		usleep(1000);
}

static void *input(void *arg)
{
	const uint64_t begin = toll_clock_mono_ns();

	for (uint64_t i = 0; !atomic_load(&done); i++) {
		uint64_t due = begin + i * SPANS * TOLL_S / INPUT;

		while (toll_clock_mono_ns() < due)
			usleep(1000);
		append();
	}
	return arg;
}

/* Until the exporter has nothing left to do. Spans a second. */
static double drain(void)
{
	struct toll_journal_mark behind;
	uint64_t begin = toll_clock_mono_ns();
	pthread_t thread;

	if (toll_runner_start(runner) < 0 || toll_thread_start(&thread, "input", input, NULL) < 0)
		exit(1);
	do {
		usleep(1000);
		toll_runner_lag(runner, lane, &behind);
	} while (behind.seq > 1);
	double seconds = (double)(toll_clock_mono_ns() - begin) / 1e9;
	double rate = (double)atomic_load(&exported) / seconds;

	atomic_store(&done, true);
	pthread_join(thread, NULL);
	return rate;
}

static void open_journal(const char *directory)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(directory, "journal/bench");
	struct toll_error why;

	set.max_bytes = UINT64_C(4) << 30;
	if (toll_journal_open(&set, &journal, &why) < 0) {
		fprintf(stderr, "no journal in %s\n", directory);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static struct toll_stats stats;
	static struct toll_exporter exporter = {
		.super = { .id = { "bench", "", "bench" },
		           .who = "exporter/bench",
		           .stats = &stats },
		.export_parts = export_parts,
	};
	static const struct toll_exporter_settings set = {
		.sending_queue = { .enabled = true, .num_consumers = 1, .queue_size = 1000 },
	};
	struct toll_spool spool = { .pipeline = "traces", .who = "journal/bench" };
	char path[200], command[256];
	double cpu;

	snprintf(path, sizeof(path), "%s/lane-XXXXXX", argc > 1 ? argv[1] : ".");
	if (!mkdtemp(path))
		return 1;
	open_journal(path);
	spool.journal = journal;
	batch = batch_of_request(shop_request(SPANS));
	toll_batch_seal(batch);
	runner = toll_runner_new(&exporter, &set);
	if (!runner || toll_runner_follow(runner, &spool, &lane) < 0)
		return 1;
	for (int i = 0; i < BACKLOG; i++)
		append();
	while (atomic_load(&durable) < BACKLOG)
		usleep(1000);
	cpu = bench_now_ns();
	printf("lane_drain_spans_per_second\t%.0f\n", drain());
	printf("lane_drain_cpu_per_span\t%.1f\n",
	       (bench_now_ns() - cpu) / (double)atomic_load(&exported));
	toll_runner_drain(runner, toll_clock_mono_ns() + TOLL_S);
	toll_journal_close(journal, 0); /* with what is on its way to the runner */
	toll_runner_free(runner);
	toll_batch_unref(batch);
	snprintf(command, sizeof(command), "rm -r '%s'", path);
	return system(command);
}
