/* SPDX-License-Identifier: Apache-2.0 */
/* spool_private.h - for the files spool*.c only. */
#ifndef TOLL_PIPELINE_SPOOL_PRIVATE_H
#define TOLL_PIPELINE_SPOOL_PRIVATE_H

#include "pipeline/spool.h"

/* ---- spool_list.c: main thread ---- */
void toll_spools_add(struct toll_spools *all, struct toll_spool *s);
void toll_spools_remove(struct toll_spools *all, const struct toll_spool *s);
void toll_spools_set_size(struct toll_spools *all, struct toll_spool *s, uint64_t max_bytes);

/* ---- spool_cursors.c ---- */
/* How much of it not all exporters have, if any. */
void toll_spool_tell_waiting(const struct toll_spool *s);

#endif
