/* SPDX-License-Identifier: Apache-2.0 */
/* component.h - the five kinds of parts a pipeline is made of. */
#ifndef TOLL_PIPELINE_COMPONENT_H
#define TOLL_PIPELINE_COMPONENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "pipeline/consumer.h"
#include "pipeline/stats.h"

struct toll_batch;
struct toll_host;

enum toll_kind {
	TOLL_RECEIVER = 0, /* bytes in, batches out */
	TOLL_PROCESSOR,    /* changes batches in place, on the receiver's thread */
	TOLL_EXPORTER,     /* ends a pipeline; own queue, own thread; never changes a batch */
	TOLL_CONNECTOR,    /* ends pipelines and begins others */
	TOLL_EXTENSION,    /* serves the process, sees no spans */
};

const char *toll_kind_name(enum toll_kind kind); /* "receiver" */

/* type/name as users write it. Strings live as long as the configuration. */
struct toll_id {
	const char *type; /* "otlp" */
	const char *name; /* "edge" in otlp/edge; "" when not given */
	const char *text; /* "otlp/edge" */
};

/* First member of every component. */
struct toll_component {
	const struct toll_component_ops *ops;
	struct toll_id id;
	const char *who; /* for log lines: "exporter/kafka" */
	struct toll_stats *stats;
	struct toll_host *host;
};

/* Life: create -> start -> ... -> shutdown -> free. The main loop's thread calls these, one at a
 * time; but when a reload replaces a receiver, exporter or extension, its shutdown comes on another
 * thread: timers of those are stopped in free. */
struct toll_component_ops {
	/* May be NULL. Must return soon; long work goes to the component's own thread. */
	int (*start)(struct toll_component *c, struct toll_error *reterr);
	/* May be NULL. Flush, then stop, before the deadline. Legal before start and twice. */
	void (*shutdown)(struct toll_component *c, uint64_t deadline_mono_ns);
	/* Accepts half-built components. */
	void (*free)(struct toll_component *c);
};

struct toll_receiver {
	struct toll_component super;
	struct toll_consumer *next; /* a stable inlet; what is behind it may be swapped */
};

struct toll_processor {
	struct toll_component super;
	/* One call per batch, on any worker's thread, several at once on different batches: shared
	 * state is read-only or atomic. The graph counts spans in, out, dropped and the time spent.
	 * 0, or an error that refuses the whole batch (memory_limiter): the client hears it. A span
	 * that cannot be handled is no error: mark the span (cost.error) and go on. */
	int (*process)(struct toll_processor *p, struct toll_batch *batch);
};

/* A run of spans of one sealed batch. Usually all of them: a batch is only split where
 * sending_queue.batch.max_size asks for it. */
struct toll_part {
	const struct toll_batch *batch;
	uint32_t first, count; /* spans [first, first + count) */
};

/* What an exporter has been given and not yet answered for. The runner owns it. */
struct toll_delivery {
	const struct toll_part *parts;
	uint32_t part_count;
	uint32_t span_count; /* sum over the parts, dropped spans not counted */
	uint32_t attempt;    /* 0 the first time */
	/* The exporter's; 0 at the first attempt, kept from one to the next. */
	uint32_t lost_count; /* spans it has lost, and counted nowhere else */
	uint32_t done_count; /* with an error: so many, from the first on, are sent or lost already
	                      */
	/* The exporter's, with a retryable error: the destination wants to be left alone so long.
	 */
	uint64_t retry_after_ns;
};

/* Exactly once for every export_parts() that returned 0, from any thread, perhaps before that
 * returns. err: 0, or TOLL_E...: a retryable one makes the runner try the same delivery again
 * (back-off of retry_on_failure); any other counts the spans as lost and says so. */
void toll_delivery_done(struct toll_delivery *d, int err);

struct toll_exporter {
	struct toll_component super;
	/* Called from the exporter's runner thread only, in order of admission. d and its parts
	 * stay valid until toll_delivery_done(). 0: taken. Negative: not taken, done is not called,
	 * err means the same as there. */
	int (*export_parts)(struct toll_exporter *e, struct toll_delivery *d);
	/* May be NULL. The runner's thread when nothing is queued, at least every tick_ns
	 * (0: never): flush intervals, polling. */
	void (*tick)(struct toll_exporter *e);
	uint64_t tick_ns;
	/* Most deliveries unanswered at once; 0: num_consumers of sending_queue. */
	uint32_t max_in_flight;
	/* What it is given is added up. Where a client waits for other exporters, it gets the batch
	 * only after they have succeeded: a request that failed comes again and must count once. */
	bool accounts;
	/* May be NULL: what it has answered is done. Else the lowest sequence of that journal which
	 * it must be given again after a crash: what it has made of everything before is durable.
	 * The runner's thread. */
	uint64_t (*durable_seq)(struct toll_exporter *e, const char *epoch);
	/* May be NULL. Before start: it is going to be given what is in journals below this
	 * directory, of an extension file_storage, and may keep there, in exporters/<its id>, what
	 * it makes of them. Once for each journal. With a sentence. Main thread. */
	int (*keep_in)(struct toll_exporter *e, const char *directory, struct toll_error *reterr);
};

/* Which pipelines come behind it is laid down when the graph is built, and all exporters behind a
 * receiver answer together: a connector has no queue, refuses nothing and loses nothing. */
struct toll_connector {
	struct toll_component super;
	/* May be NULL. Sealed batches that were accepted for good, each once: any thread, several
	 * at once, also while and after shutdown. Must not block. */
	void (*observe)(struct toll_connector *c, const struct toll_batch *batch);
};

struct toll_extension {
	struct toll_component super;
};

#endif
