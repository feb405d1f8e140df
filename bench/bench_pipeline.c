/* SPDX-License-Identifier: Apache-2.0 */
/* What queue, thread and acknowledgement of an exporter cost per span of a request, two exporters
 * behind one fan-out: the pipeline without its processors. */
#include <stdlib.h>

#include "base/clock.h"
#include "bench/bench.h"
#include "pipeline/fanout.h"
#include "pipeline/runner.h"
#include "proto/batch.h"

#define EXPORTERS 2

struct sink {
	struct toll_exporter exporter;
	struct toll_stats stats;
	struct toll_exporter_settings set;
	struct toll_runner *runner;
};

struct answer {
	struct toll_ack ack;
	int err;
};

struct rig {
	struct sink sinks[EXPORTERS];
	struct toll_fanout fanout;
	struct answer answer;
	uint32_t spans;
};

static int take(struct toll_exporter *e TOLL_UNUSED, struct toll_delivery *d)
{
	toll_delivery_done(d, 0);
	return 0;
}

static void answered(struct toll_ack *ack, int err)
{
	toll_container_of(ack, struct answer, ack)->err = err;
}

/* One request; a full queue is offered to again, so that the exporters' threads set the pace. */
static void offer(void *ctx)
{
	struct rig *g = ctx;
	struct toll_batch *b;
	char *wire;

	if (toll_batch_new(64, NULL, &wire, &b))
		return;
	b->spans = toll_arena_new(&b->arena, struct toll_span, g->spans);
	if (!b->spans) {
		toll_batch_unref(b);
		return;
	}
	b->span_count = b->kept_count = g->spans;
	toll_batch_seal(b);
	do
		toll_fanout_offer(&g->fanout, &b, &g->answer.ack);
	while (g->answer.err);
	toll_batch_unref(b);
}

static void start(struct rig *g, bool batches)
{
	g->answer.ack.done = answered;
	g->fanout.batch_count = 1;
	for (uint32_t i = 0; i < EXPORTERS; i++) {
		struct sink *s = &g->sinks[i];

		s->exporter.super.stats = &s->stats;
		s->exporter.super.who = "exporter/sink";
		s->exporter.super.id = (struct toll_id){ "sink", "", "sink" };
		s->exporter.export_parts = take;
		s->set.sending_queue = (struct toll_queue_settings){
			.enabled = true,
			.num_consumers = 10,
			.queue_size = 1000,
			.batch = { batches, 200 * TOLL_MS, 8192, 0 },
		};
		s->runner = toll_runner_new(&s->exporter, &s->set);
		if (!s->runner || toll_runner_start(s->runner))
			abort();
		g->fanout.targets[g->fanout.count++] =
			(struct toll_fanout_target){ .runner = s->runner, .required = true };
	}
}

static void run(const char *name, uint32_t spans, bool batches)
{
	static struct rig g;

	g = (struct rig){ .spans = spans };
	start(&g, batches);
	bench_run(name, offer, &g, spans);
	for (uint32_t i = 0; i < EXPORTERS; i++) {
		toll_runner_drain(g.sinks[i].runner, toll_clock_mono_ns() + 5 * TOLL_S);
		g.sinks[i].runner = toll_runner_free(g.sinks[i].runner);
	}
}

int main(void)
{
	run("pipeline/request_of_1", 1, false);
	run("pipeline/request_of_100", 100, false);
	run("pipeline/request_of_100_batched", 100, true);
	return 0;
}
