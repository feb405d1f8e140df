/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - builds, runs, stops and describes the configured pipelines.
 *
 * receiver -> inlet -> for each pipeline: processors (the first gets the batch, others a clone of
 * its views) -> for each pipeline behind a connector at its end: a clone, processors -> ... -> seal
 * -> reserve in every required exporter's queue of all pipelines -> commit all, or cancel all and
 * refuse. */
#ifndef TOLL_PIPELINE_GRAPH_H
#define TOLL_PIPELINE_GRAPH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pipeline/factory.h"
#include "pipeline/host.h"

struct toll_config; /* config/config.h */
struct toll_graph;
struct toll_host;

/* Creates every component that a pipeline or service.extensions uses, the extensions that
 * processors imply, and telemetry; opens nothing. config has been checked; the graph holds a
 * reference to it. reterr names the component that failed. */
int toll_graph_build(struct toll_config *config, struct toll_host *host, struct toll_graph **ret,
                     struct toll_error *reterr) TOLL_MUST_CHECK;

/* Extensions, exporters, processors, then receivers: nobody sends before the next can take. */
int toll_graph_start(struct toll_graph *g, struct toll_error *reterr) TOLL_MUST_CHECK;

/* The other way round, each part draining into the one after it. An exporter is shut down as soon
 * as its own queue is empty, whatever the others wait for; the last fifth of the time is kept for
 * the exporters whose queues did not get empty. */
void toll_graph_shutdown(struct toll_graph *g, uint64_t deadline_mono_ns);

/* After shutdown: an exporter has not come back from a call, or a disk with batches of ours from a
 * write. Their threads still use the graph, the host and the configuration: nothing of them may be
 * freed, and toll_graph_free() frees nothing. */
bool toll_graph_left_behind(const struct toll_graph *g);

/* Per component: kind, id, spans in, out and lost, nanoseconds per span, queue depth; then the
 * pipelines. Any thread, as long as the graph is there: toll_host_print() sees to that. */
int toll_graph_print(const struct toll_graph *g, enum toll_view_format format, FILE *out);

struct toll_graph *toll_graph_free(struct toll_graph *g); /* always returns NULL */

#endif
