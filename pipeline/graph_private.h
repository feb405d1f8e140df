/* SPDX-License-Identifier: Apache-2.0 */
/* graph_private.h - the parts of a graph, for the files graph*.c only. Main thread, but where it
 * says otherwise. */
#ifndef TOLL_PIPELINE_GRAPH_PRIVATE_H
#define TOLL_PIPELINE_GRAPH_PRIVATE_H

#include "pipeline/graph.h"
#include "pipeline/host.h"
#include "pipeline/inlet.h"
#include "pipeline/runner.h"
#include "pipeline/spool.h"

#define TOLL_KIND_COUNT 5

/* An exporter's place in a pipeline that has a journal. */
struct toll_graph_lane {
	const char *pipeline, *storage; /* ids; they live in the part's lender */
	bool follows;                   /* the journal; else it is fed from memory */
	unsigned number;                /* the runner's */
};

/* A component and what is kept for it: one per id, also when several pipelines use it. A reload
 * moves it into the next graph when its settings and what it depends on stay the same. */
struct toll_graph_part {
	unsigned refs; /* graphs that have it ... */
	unsigned over; /* ... of these: that have retired but for the last answers */
	const struct toll_factory *factory;
	struct toll_host *host;
	struct toll_config *lender; /* a reference: id, who and config lie in it */
	const void *config;
	struct toll_id id;
	const char *who;
	char *own_text;                   /* id and who of a component that no file names */
	struct toll_component *component; /* NULL: folded into the exporters */
	struct toll_stats *stats;         /* the host's, of this id */
	struct toll_host_tag tag;
	bool started;
	/* Exporters. */
	struct toll_exporter_settings set;
	struct toll_runner *runner;
	const struct toll_graph_part *folded_by; /* a batch processor; while the graph is built */
	bool held; /* until the one before it under this id has drained */
	struct toll_graph_lane *lanes;
	size_t lane_count;
	char *source; /* owned; see source.h */
	/* Receivers. */
	struct toll_inlet inlet;
};

struct toll_graph_parts {
	struct toll_graph_part **at;
	size_t count, room;
};

/* for (every part of a kind), p being a struct toll_graph_part * that is declared before. */
#define TOLL_EACH_PART(p, graph, kind)                                                             \
	for (size_t p##_at = 0;                                                                    \
	     p##_at < (graph)->parts[kind].count && ((p) = (graph)->parts[kind].at[p##_at], true); \
	     p##_at++)

/* The journal of one pipeline. */
struct toll_graph_spool {
	const char *storage;       /* id of the extension; NULL: there is none */
	struct toll_spool *spool;  /* NULL: not opened yet */
	struct toll_storage limit; /* what that extension says */
};

/* What one receiver of this graph feeds. */
struct toll_graph_route {
	struct toll_graph_part *source;
	struct toll_route *route;
};

struct toll_graph {
	struct toll_host *host;
	struct toll_config *config;                     /* a reference */
	struct toll_graph_parts parts[TOLL_KIND_COUNT]; /* by enum toll_kind */
	struct toll_chain *chains;   /* one per pipeline, in the config's order */
	struct toll_tally **tallies; /* one per chain */
	size_t chain_count;
	struct toll_graph_spool *spools; /* one per pipeline, likewise */
	struct toll_graph_route *routes;
	size_t route_count;
	struct toll_metrics_source metrics; /* of the tallies */
	struct toll_host_view view;
	bool listed;     /* metrics, with the host */
	bool disk_hangs; /* after shutdown: a journal still has batches of ours */
};

/* ---- graph_part.c ---- */

/* Without component yet; one reference. own_text: taken over. NULL: out of memory. */
struct toll_graph_part *toll_graph_part_new(struct toll_host *h, struct toll_config *lender,
                                            const struct toll_factory *factory, const void *config);
int toll_graph_part_create(struct toll_graph_part *p, struct toll_error *reterr) TOLL_MUST_CHECK;
int toll_graph_part_start(struct toll_graph_part *p, struct toll_error *reterr) TOLL_MUST_CHECK;
/* Perhaps on the thread that retires. */
void toll_graph_part_shutdown(struct toll_graph_part *p, uint64_t deadline_mono_ns);
/* The last one frees what has been shut down; an exporter's thread that was left behind keeps all
 * of it. */
void toll_graph_part_unref(struct toll_graph_part *p);

/* ---- graph_adopt.c ---- */

/* Which part of prev (may be NULL) can be moved to where `planned` is in g; NULL: none. Kinds are
 * asked for in the order of their start: what a part depends on is in g already. */
struct toll_graph_part *toll_graph_adoptable(const struct toll_graph *g,
                                             const struct toll_graph *prev,
                                             const struct toll_graph_part *planned);

/* ---- graph_build.c ---- */

/* As toll_graph_build(); what can go on is taken over from prev (NULL: nothing), which goes on. */
int toll_graph_build_next(struct toll_config *config, struct toll_host *host,
                          const struct toll_graph *prev, struct toll_graph **ret,
                          struct toll_error *reterr) TOLL_MUST_CHECK;

struct toll_graph_part *toll_graph_find(const struct toll_graph *g, enum toll_kind kind,
                                        const char *id);
bool toll_graph_has(const struct toll_graph *g, const struct toll_graph_part *p);

/* ---- graph_source.c ---- */

/* Names the source of what each exporter is given; parts are planned. */
int toll_graph_plan_sources(struct toll_graph *g, struct toll_error *reterr) TOLL_MUST_CHECK;

/* ---- graph_route.c ---- */

/* One per receiver; parts and chains are there. */
int toll_graph_build_routes(struct toll_graph *g, struct toll_error *reterr) TOLL_MUST_CHECK;

/* ---- graph_spool.c ---- */

/* Names what each pipeline and exporter has to do with journals; parts are planned. */
int toll_graph_plan_spools(struct toll_graph *g, struct toll_error *reterr) TOLL_MUST_CHECK;
/* Do the exporters that both are stand in the same journals? */
bool toll_graph_same_lanes(const struct toll_graph *g, const struct toll_graph *prev,
                           const struct toll_graph_part *old,
                           const struct toll_graph_part *planned);
/* Extensions have started, exporters have not; those that are new follow from here on. */
int toll_graph_open_spools(struct toll_graph *g, struct toll_error *reterr) TOLL_MUST_CHECK;
/* The log names journals of its storages that no pipeline has. At the start of the process. */
void toll_graph_tell_orphans(struct toll_graph *g);
/* This graph runs now: what its storages say of sizes holds. */
void toll_graph_limit_spools(struct toll_graph *g);
/* Waits for what is on its way to disk; nothing new comes. False: not until the deadline. */
bool toll_graph_settle_spools(struct toll_graph *g, uint64_t deadline_mono_ns);
/* Cursors of exporters that this graph does not have; no other graph works any more. */
void toll_graph_forget_cursors(struct toll_graph *g);
/* Its parts are gone. left_behind: not all; who is stuck may come back to its journal. */
void toll_graph_close_spools(struct toll_graph *g, bool left_behind);

/* ---- graph_repeats.c ---- */

/* Routes and spools are there, nothing comes in by them yet. */
int toll_graph_open_repeats(struct toll_graph *g, struct toll_error *reterr) TOLL_MUST_CHECK;
/* When the graph begins to work: how much is remembered, and how long. */
void toll_graph_limit_repeats(struct toll_graph *g);
void toll_graph_write_repeats(const struct toll_graph *g, struct toll_metrics_writer *w);
void toll_graph_forget_repeats(struct toll_graph *g); /* nothing is on its way any more */

/* ---- graph.c ---- */

/* In the order of their start, those that run already left out; the first that fails ends it. */
int toll_graph_start_parts(struct toll_graph *g, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Nobody sends before the next can take. */
extern const enum toll_kind toll_graph_start_order[TOLL_KIND_COUNT];

/* Frees the graph and those of its parts that no other graph has; they have been shut down. */
void toll_graph_dissolve(struct toll_graph *g);

/* Shuts down the exporters of the list as their queues get empty; drain_until: for the queues,
 * deadline: for their own end. Perhaps on the thread that retires. */
void toll_graph_shutdown_exporters(struct toll_graph_part *const *list, size_t count,
                                   uint64_t drain_until, uint64_t deadline);

#endif
