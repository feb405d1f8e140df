/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - what the process offers its components: loop, named services, byte budget, status.
 *
 * The loop runs on the main thread (libuv); nothing on it may block. Functions may be called from
 * the main thread only, unless they say "any thread". */
#ifndef TOLL_PIPELINE_HOST_H
#define TOLL_PIPELINE_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/macro.h"
#include "base/memory.h"
#include "pipeline/component.h"
#include "pipeline/metrics.h"

struct toll_host;
struct toll_timer;
struct toll_trace;
struct toll_recent;
struct toll_unpriced_table;

/* ---- named services: how components find each other (kind of service, then id) ---- */

/* Services in use: "pricebook" (cost/pricebook.h: struct toll_pricebook_source),
 * "spend" (cost/spend.h: struct toll_spend_source, published by the enforcer),
 * "readiness" gates, see below. id: the component's id.text. */
int toll_host_publish(struct toll_host *h, const char *service, const char *id,
                      void *object) TOLL_MUST_CHECK;
/* id NULL: the only one there is, or the first. NULL when there is none. */
void *toll_host_find(struct toll_host *h, const char *service, const char *id);
/* Any thread. Returns when nobody holds it any longer. */
void toll_host_withdraw(struct toll_host *h, void *object);
/* Any thread: as toll_host_find(), for those that start before whom they ask (extensions: exporters
 * start later, and a reload may replace them). What is found stays until toll_host_drop(): for one
 * question, not longer than a store may take to answer. */
void *toll_host_hold(struct toll_host *h, const char *service, const char *id);
void toll_host_drop(struct toll_host *h, void *object); /* accepts NULL */

/* For the graph: who is starting. What a component publishes, exposes and finds at its start goes
 * under its tag, so that a reload knows who depends on whom, and so that two of one id (the old
 * one still has work to do) are not seen at once. */
#define TOLL_TAG_FOUND_MAX 8
struct toll_host_tag {
	atomic_bool hidden; /* its services are not found, its metrics not shown */
	/* It looked for something without a name, or for what was not there: which extensions there
	 * are makes a difference to it. */
	bool looked_around;
	struct toll_host_tag *found[TOLL_TAG_FOUND_MAX]; /* whose services it uses */
	unsigned found_count;
};
void toll_host_starts(struct toll_host *h, struct toll_host_tag *tag); /* NULL: nobody any more */

/* ---- state that outlives a component ---- */

/* State of an id, size bytes, zero at first: a reload may put another component under the id while
 * the one before still works, and both get the same. Taken in create(), let go in free(); release
 * (may be NULL) is called for the last one. Whoever shares it locks. NULL: out of memory. */
void *toll_host_keep(struct toll_host *h, const char *what, const char *id, size_t size,
                     void (*release)(void *state));
void toll_host_let_go(struct toll_host *h, void *state);

/* ---- timers ---- */

/* First call after delay_ns, then every period_ns (0: once). Callback on the main thread. NULL: out
 * of memory. Every timer must be stopped, also one that has fired its one time. */
struct toll_timer *toll_host_timer(struct toll_host *h, uint64_t delay_ns, uint64_t period_ns,
                                   void (*fn)(void *ctx), void *ctx);
void toll_host_timer_stop(struct toll_timer *t); /* accepts NULL; the timer is gone afterwards */

/* ---- directories ---- */

/* fn(ctx, name) when something in the directory changes; name may be NULL. NULL: it cannot be
 * watched. */
struct toll_watch;
struct toll_watch *toll_host_watch(struct toll_host *h, const char *directory,
                                   void (*fn)(void *ctx, const char *name), void *ctx);
void toll_host_unwatch(struct toll_watch *w); /* accepts NULL */

/* Any thread: runs fn on the main thread soon. TOLL_ESHUTDOWN once the loop has ended: fn is then
 * not called; what was accepted before is. */
int toll_host_call(struct toll_host *h, void (*fn)(void *ctx), void *ctx) TOLL_MUST_CHECK;

/* ---- status ---- */

enum toll_health { TOLL_HEALTH_STARTING = 0, TOLL_HEALTH_OK, TOLL_HEALTH_DEGRADED };

/* Any thread. why: short sentence, copied; shown by /status. Degraded never unreadies. */
void toll_host_set_health(struct toll_host *h, const struct toll_component *c,
                          enum toll_health health, const char *why);
/* For the graph: from here on only this component speaks for its id. Given back to the one before
 * it (its start was undone), what that one said last holds again. */
void toll_host_speaks(struct toll_host *h, const struct toll_component *c);

/* Readiness = every gate opened once. It stays from then on, whatever a reload adds. A component
 * that must have done something first (pricebook: loaded a book) takes a gate in create(), opens it
 * later, from any thread, and removes it in free(). TOLL_ENOMEM: there is none to remove. */
int toll_host_gate_add(struct toll_host *h, const char *what) TOLL_MUST_CHECK;
void toll_host_gate_open(struct toll_host *h, const char *what);
void toll_host_gate_remove(struct toll_host *h, const char *what); /* in free(): nobody waits */
bool toll_host_ready(struct toll_host *h); /* any thread; also: started and not shutting down */

/* Which configuration runs, for /status: a hash of all of it, known since now; or why another one
 * could not be taken over. Any thread. */
void toll_host_config_set(struct toll_host *h, uint64_t hash);
void toll_host_config_problem(struct toll_host *h, const char *why);
void toll_host_config_write(struct toll_host *h, struct toll_metrics_writer *w);

/* All components' states as JSON for /status; malloc'ed, NULL when out of memory. Any thread. */
char *toll_host_status_json(struct toll_host *h);

/* ---- metrics ---- */

void toll_host_metrics_add(struct toll_host *h, struct toll_metrics_source *s);
void toll_host_metrics_remove(struct toll_host *h, struct toll_metrics_source *s);
/* One for another of the same families: no scrape sees both, or none. */
void toll_host_metrics_replace(struct toll_host *h, struct toll_metrics_source *old,
                               struct toll_metrics_source *next);
/* Any thread: every component's counters, then every source. */
void toll_host_metrics_write(struct toll_host *h, struct toll_metrics_writer *w);

/* For the graph: the counters of a kind and id under receiver="id", processor="id", ... and a line
 * in /status. They are the host's, so that they go on where a reload puts another component under
 * the id; gone with the last user. who as in log lines. NULL: out of memory. */
struct toll_stats *toll_host_stats_ref(struct toll_host *h, enum toll_kind kind, const char *id,
                                       const char *who) TOLL_MUST_CHECK;
void toll_host_stats_unref(struct toll_host *h, struct toll_stats *stats);

/* ---- what runs, for people ---- */

enum toll_view_format { TOLL_VIEW_TEXT = 0, TOLL_VIEW_JSON };

/* Lives inside the graph. print: any thread, under a lock; it reads what does not change, and
 * counters. */
struct toll_host_view {
	int (*print)(struct toll_host_view *self, enum toll_view_format format, FILE *out);
};

/* For the graph: this one runs now, whatever was shown before. */
void toll_host_show(struct toll_host *h, struct toll_host_view *v);
/* It goes away; nothing happens where another one has taken its place. */
void toll_host_hide(struct toll_host *h, struct toll_host_view *v);
/* Any thread. TOLL_EDOWN: nothing runs. */
int toll_host_print(struct toll_host *h, enum toll_view_format format, FILE *out) TOLL_MUST_CHECK;
/* What processors do to spans, of one batch in many; never NULL. */
struct toll_trace *toll_host_trace(struct toll_host *h);
/* The last batches, and what had no price since the start; never NULL. */
struct toll_recent *toll_host_recent(struct toll_host *h);
struct toll_unpriced_table *toll_host_unpriced(struct toll_host *h);
uint64_t toll_host_started_wall_ns(const struct toll_host *h);

/* ---- the rest ---- */

/* The process's byte budget: receivers charge it before they decode. Any thread. Without a
 * memory_limiter: a quarter of what the cgroup or machine has, at most 512 MiB. */
struct toll_memory *toll_host_memory(struct toll_host *h);
/* The budget that somebody wants; 0: none any more. Of several the last one decides. The wish is
 * the caller's and must stay until it is taken back. */
struct toll_memory_wish {
	struct toll_memory_wish *next;
	size_t bytes;
};
void toll_host_memory_limit(struct toll_host *h, struct toll_memory_wish *wish, size_t bytes);

/* This process among many: 128 random bits per start, 32 hex digits (the journal's epoch later). */
const char *toll_host_instance(const struct toll_host *h);

/* ---- for cmd and tests ---- */

struct toll_host *toll_host_new(void);
struct toll_host *toll_host_free(struct toll_host *h); /* always returns NULL */
/* For the graph: everything has started (readiness needs it), and components that have not said how
 * they are are fine; false again when shutdown begins. */
void toll_host_set_started(struct toll_host *h, bool started);
/* From here on SIGTERM and SIGINT stop the loop instead of killing the process, SIGPIPE is ignored.
 * toll_host_run() does it too; `run` calls it before anything listens. */
int toll_host_catch_signals(struct toll_host *h) TOLL_MUST_CHECK;
/* Runs the loop until toll_host_stop() (any thread) or SIGTERM/SIGINT. SIGHUP calls on_hup (may be
 * NULL). Once. Afterwards, while the caller drains, a second SIGINT kills, others wait. */
int toll_host_run(struct toll_host *h, void (*on_hup)(void *ctx), void *ctx) TOLL_MUST_CHECK;
void toll_host_stop(struct toll_host *h);

#endif
