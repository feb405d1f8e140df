/* SPDX-License-Identifier: Apache-2.0 */
/* admission.h - a request whose answer comes later: when its records are durable, or exporters have
 * answered. For fanout.c only. */
#ifndef TOLL_PIPELINE_ADMISSION_H
#define TOLL_PIPELINE_ADMISSION_H

#include "pipeline/fanout.h"

/* One bit per target or per batch of a fan-out. */
typedef uint64_t toll_bits;
#define TOLL_BIT(i) (UINT64_C(1) << (i))

/* Room has been reserved at the targets `reserved`: they get their batches, or it is cancelled. */
void toll_admission_begin(const struct toll_fanout *f, struct toll_batch *const *batches,
                          toll_bits reserved, struct toll_ack *ack);

/* ---- fanout.c ---- */

struct toll_waiter;

/* Batches that are to be written down. */
toll_bits toll_fanout_records(const struct toll_fanout *f, struct toll_batch *const *batches);
/* Targets that ack waits for: required ones with work, if it goes that far. */
toll_bits toll_fanout_waited(const struct toll_fanout *f, struct toll_batch *const *batches,
                             const struct toll_ack *ack);
/* Those of them that add up. */
toll_bits toll_fanout_accounting(const struct toll_fanout *f, toll_bits targets);

void toll_fanout_cancel(const struct toll_fanout *f, struct toll_batch *const *batches,
                        toll_bits targets);
/* waited: those that w hears of. */
void toll_fanout_commit(const struct toll_fanout *f, struct toll_batch *const *batches,
                        toll_bits targets, toll_bits waited, struct toll_waiter *w);
void toll_fanout_accept(const struct toll_fanout *f, struct toll_batch *const *batches,
                        toll_bits which);

#endif
