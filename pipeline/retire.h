/* SPDX-License-Identifier: Apache-2.0 */
/* retire.h - the end of a graph that another one has replaced, step by step and without blocking
 * the main thread, which calls all of this. */
#ifndef TOLL_PIPELINE_RETIRE_H
#define TOLL_PIPELINE_RETIRE_H

#include "pipeline/graph_private.h"

struct toll_retiree;

/* Takes the graph over; its inlets show other routes already. NULL: out of memory, the graph is the
 * caller's still. */
struct toll_retiree *toll_retiree_new(struct toll_graph *g);
/* Goes as far as it can now: only when the older ones have drained, so that what two retiring ones
 * share leaves with the later. current: the graph that runs now, whose exporters go on with what
 * theirs of the same id could not deliver. True: all has left, free it. */
bool toll_retiree_step(struct toll_retiree *r, const struct toll_graph *current);
/* Has the old exporter come to its end, so that its successor may begin? What is left is to wait
 * for the answers of clients, perhaps for long. */
bool toll_retiree_has_drained(const struct toll_retiree *r);
/* Has it an exporter of that id that may not have come to its end? */
bool toll_retiree_drains(const struct toll_retiree *r, const char *exporter);
/* Blocks: everything that is left to do, until the deadline. */
void toll_retiree_finish(struct toll_retiree *r, uint64_t deadline_mono_ns);
/* An exporter has not come back from a call: its part of the graph stays for ever, and what the
 * thread may use besides (the host) must stay too. */
bool toll_retiree_left_behind(const struct toll_retiree *r);
/* After the last step or finish; the graph too. */
void toll_retiree_free(struct toll_retiree *r);
/* One that never began; the graph is the caller's again. NULL is accepted. */
void toll_retiree_release(struct toll_retiree *r);

#endif
