/* SPDX-License-Identifier: Apache-2.0 */
/* generations.h - the running graph and those that a reload has replaced and that still have work.
 *
 * A reload builds the next graph, moves what does not change, starts what is new, then shows every
 * inlet its new route. What only the old graph has then retires, while the next one works:
 * receivers stop listening and answer what they have; batches on their way end on the route they
 * came in by; exporters drain as at a shutdown. Waiting is done by a thread of its own; all else
 * on the main one. */
#ifndef TOLL_PIPELINE_GENERATIONS_H
#define TOLL_PIPELINE_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Graphs that retire at once; a reload beyond that waits. They do it one after the other,
 * but nobody waits for one that only has open answers of clients left. */
#define TOLL_GENERATIONS_MAX 4

struct toll_config;
struct toll_generations;
struct toll_graph;
struct toll_host;

/* retired(ctx) is called each time a graph is gone; may be NULL. NULL: out of memory. */
struct toll_generations *toll_generations_new(struct toll_host *h, void (*retired)(void *ctx),
                                              void *ctx);

/* Builds and starts the first graph. */
int toll_generations_start(struct toll_generations *gs, struct toll_config *config,
                           struct toll_error *reterr) TOLL_MUST_CHECK;

/* What a reload did with components. */
struct toll_generations_report {
	unsigned kept, added, changed, removed;
	char names[256]; /* " +exporter/file/b -receiver/otlp/x ~processor/cost", cut at the end */
};

/* The next graph takes over, or nothing has changed and reterr says why; TOLL_EFULL: too many
 * graphs retire, come back when one has. */
int toll_generations_reload(struct toll_generations *gs, struct toll_config *config,
                            struct toll_generations_report *ret,
                            struct toll_error *reterr) TOLL_MUST_CHECK;

struct toll_graph *toll_generations_current(struct toll_generations *gs); /* NULL: not started */
unsigned toll_generations_retiring(const struct toll_generations *gs);

/* Everything drains and stops, as toll_graph_shutdown(). */
void toll_generations_shutdown(struct toll_generations *gs, uint64_t deadline_mono_ns);
/* After shutdown, see toll_graph_left_behind(). */
bool toll_generations_left_behind(const struct toll_generations *gs);
/* After shutdown, or before start. Always returns NULL. */
struct toll_generations *toll_generations_free(struct toll_generations *gs);

#endif
