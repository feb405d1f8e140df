/* SPDX-License-Identifier: Apache-2.0 */
/* recent.h - the last batches that were accepted, kept whole while somebody wants to ask about
 * them: which rule priced this request, and how. Any thread.
 *
 * A batch that is kept holds its spans, its price book and its part of the byte budget, as it does
 * in a queue; all of them at most 1/TOLL_RECENT_PART of it, and who would refuse data for want of
 * memory has them forgotten first. While nobody watches nothing is kept. */
#ifndef TOLL_PIPELINE_RECENT_H
#define TOLL_PIPELINE_RECENT_H

#include "base/memory.h"
#include "proto/batch.h"

#define TOLL_RECENT_BATCHES 4096u
#define TOLL_RECENT_PART    16u

struct toll_recent;

/* memory: the budget that batches are charged to, which lives longer; NULL: none. NULL: out of
 * memory. */
struct toll_recent *toll_recent_new(const struct toll_memory *memory);
struct toll_recent *toll_recent_free(struct toll_recent *r); /* always returns NULL */

/* Batches of so many bytes together from now on, as whoever came last says; 0: none. */
void toll_recent_watch(struct toll_recent *r, size_t bytes);
/* Once per watch: with the last one everything is let go. */
void toll_recent_unwatch(struct toll_recent *r);

/* A sealed batch, of which a reference is taken. */
void toll_recent_add(struct toll_recent *r, struct toll_batch *batch);

/* Lets go of all there are; the next ones are kept again. */
void toll_recent_forget(struct toll_recent *r);

/* Every batch, newest first, until batch() returns false; a reference keeps it. Not under a lock:
 * may take its time. */
void toll_recent_each(struct toll_recent *r, bool (*batch)(void *ctx, struct toll_batch *b),
                      void *ctx);

#endif
