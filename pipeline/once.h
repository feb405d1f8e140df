/* SPDX-License-Identifier: Apache-2.0 */
/* once.h - a request that comes again counts once on every leg of its route.
 *
 * What a leg has taken is skipped there; what no leg needs is answered at once; a copy of what is
 * on its way waits for that answer. */
#ifndef TOLL_PIPELINE_ONCE_H
#define TOLL_PIPELINE_ONCE_H

#include <stdint.h>

#include "pipeline/consumer.h"
#include "pipeline/repeats.h"

struct toll_batch;
struct toll_once;
struct toll_route;

/* What is known of a request on its way. */
struct toll_once_view {
	uint64_t skip;         /* one bit per leg: it has been given this before */
	struct toll_once *own; /* NULL: nothing to settle */
};

/* Before any processor; batch as it arrived, alone the caller's. NEW: go on with those legs that
 * are not skipped, then toll_once_ack(); KNOWN: no leg is left; WAITS: ack is answered later; BUSY:
 * the client must come again. Negative: TOLL_ENOMEM and the like. */
int toll_once_begin(const struct toll_route *r, struct toll_batch *batch, struct toll_ack *ack,
                    struct toll_once_view *ret) TOLL_MUST_CHECK;

/* Whom the pipelines answer in place of the client. batches: of each leg, sealed, or NULL where it
 * was refused before; held until the answer. */
struct toll_ack *toll_once_ack(struct toll_once *o, struct toll_batch *const *batches);

/* The same request behind a connector is another one. */
uint64_t toll_once_salt(uint64_t before, const char *pipeline, const char *connector);

#endif
