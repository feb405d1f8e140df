/* SPDX-License-Identifier: Apache-2.0 */
/* fake_batch.h - batches made by hand, and an exporter that remembers what it was given. */
#ifndef TOLL_TESTS_FAKE_BATCH_H
#define TOLL_TESTS_FAKE_BATCH_H

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "proto/batch.h"

/* A batch of that many bare spans, each priced at one dollar; not sealed. start_unix_nano counts
 * from first, so that a test can tell them apart. */
static inline TOLL_UNUSED struct toll_batch *fake_batch_from(uint32_t spans, uint64_t first)
{
	struct toll_batch *b;
	char *wire;

	if (toll_batch_new(100, NULL, &wire, &b))
		abort();
	memset(wire, 0, 100);
	b->spans = toll_arena_new(&b->arena, struct toll_span, spans + 1);
	b->resources = toll_arena_new(&b->arena, struct toll_resource, 1);
	b->scopes = toll_arena_new(&b->arena, struct toll_scope, 1);
	if (!b->spans || !b->resources || !b->scopes)
		abort();
	b->resources[0] = (struct toll_resource){ .service = TOLL_SLICE("svc"),
		                                  .span_count = spans,
		                                  .scope_count = 1 };
	b->scopes[0] = (struct toll_scope){ .span_count = spans };
	for (uint32_t i = 0; i < spans; i++)
		b->spans[i] = (struct toll_span){
			.name = TOLL_SLICE("op"),
			.trace_id = (const uint8_t *)wire,
			.span_id = (const uint8_t *)wire,
			.start_unix_nano = first + i,
			.cost_state = TOLL_COST_PRICED,
			.cost_pico = INT64_C(1000000000000),
			.adjusted_count = 1,
		};
	b->resource_count = b->scope_count = 1;
	b->span_count = b->kept_count = spans;
	return b;
}

static inline TOLL_UNUSED struct toll_batch *fake_batch(uint32_t spans)
{
	struct toll_batch *b = fake_batch_from(spans, 0);

	toll_batch_seal(b);
	return b;
}

#endif
