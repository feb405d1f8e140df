/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - what each processor did to a span, of one batch in many: for people who wonder.
 *
 * The last records are kept in a ring; a batch that is not followed costs one atomic addition, and
 * none while nobody looks. */
#ifndef TOLL_PIPELINE_TRACE_H
#define TOLL_PIPELINE_TRACE_H

#include <stdint.h>
#include <stdio.h>

#include "base/macro.h"

struct toll_batch;
struct toll_trace;  /* the ring */
struct toll_traced; /* one span on its way through one pipeline */

struct toll_trace *toll_trace_new(void);                  /* NULL: out of memory */
struct toll_trace *toll_trace_free(struct toll_trace *t); /* always returns NULL */

/* One batch in so many from now on, as whoever came last says; 0: none. Any thread, as all that
 * follows. */
void toll_trace_watch(struct toll_trace *t, uint32_t every);
/* Once per watch: nothing is followed when the last one has gone. */
void toll_trace_unwatch(struct toll_trace *t);

/* Before a pipeline's processors; of the batch the first span that is not dropped. NULL: this one
 * is not followed. pipeline: copied. */
struct toll_traced *toll_trace_begin(struct toll_trace *t, const char *pipeline,
                                     const struct toll_batch *b);
/* After each processor; err: what it returned. */
void toll_traced_step(struct toll_traced *d, const struct toll_batch *b, const char *processor,
                      uint64_t ns, int err);
/* Into the ring. NULL is accepted. */
void toll_trace_end(struct toll_trace *t, struct toll_traced *take_traced);

/* Newest first. */
int toll_trace_print(struct toll_trace *t, FILE *out) TOLL_MUST_CHECK;

#endif
