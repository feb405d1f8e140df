/* SPDX-License-Identifier: Apache-2.0 */
/* What making a batch's record adds to journaling it (bench_journal), and what reading it back
 * costs an exporter that lags: per span, in requests of 512 spans and of one. */
#include <stdlib.h>

#include "bench/bench.h"
#include "pipeline/record.h"
#include "proto/edit.h"
#include "proto/operation.h"
#include "tests/support/shop.h"

enum { SPANS = 512 };

struct bench {
	struct toll_batch *b;
	struct toll_journal_record record;
};

/* As hash_path, pricing and cost leave it. */
static struct toll_batch *priced(struct msg *take_request)
{
	struct toll_batch *b = batch_of_request(take_request);
	char cost[160],
		*end = toll_write_kv_double(cost, 0x4a, TOLL_SLICE("cost.amount"), 1e-6, NULL);

	end = toll_write_kv_str(end, 0x4a, TOLL_SLICE("cost.currency"), TOLL_SLICE("USD"));
	end = toll_write_kv_str(end, 0x4a, TOLL_SLICE("cost.pricing_region"),
	                        TOLL_SLICE("us-east-1"));
	end = toll_write_kv_double(end, 0x4a, TOLL_SLICE("cost.duration_ms"), 1.25, NULL);
	toll_batch_derive_operations(b, NULL);
	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_span *s = &b->spans[i];

		if (toll_node_set_str(b, &s->node, TOLL_SLICE("url.path"), s->operation) < 0 ||
		    toll_node_append(b, &s->node, toll_slice(cost, (size_t)(end - cost)), NULL) < 0)
			abort();
		s->region = TOLL_SLICE("us-east-1");
		s->cost_state = TOLL_COST_PRICED;
		s->cost_pico = 1000000 + i * 997;
	}
	b->price_version = "2026-11-01";
	toll_batch_seal(b);
	return b;
}

static void write_record(void *ctx)
{
	struct bench *x = ctx;
	struct toll_journal_entry e;
	void *memory;

	if (toll_record_new(x->b, &e, &memory) < 0)
		abort();
	free(memory);
}

static void read_record(void *ctx)
{
	struct bench *x = ctx;
	struct toll_batch *b;

	if (toll_record_decode(&x->record, "", NULL, &b) < 0)
		abort();
	toll_batch_unref(b);
}

static struct toll_slice join(const struct toll_journal_entry *e)
{
	char *bytes = malloc(e->parts[0].len + e->parts[1].len);

	if (!bytes)
		abort();
	toll_write_raw(toll_write_raw(bytes, e->parts[0]), e->parts[1]);
	return toll_slice(bytes, e->parts[0].len + e->parts[1].len);
}

static void run(const char *write_name, const char *read_name, uint32_t spans)
{
	struct bench x = { .b = priced(shop_request(spans)) };
	struct toll_journal_entry e;
	void *memory;

	if (toll_record_new(x.b, &e, &memory) < 0)
		abort();
	x.record.payload = join(&e);
	x.record.type = e.type;
	fprintf(stderr, "# %u spans: %zu bytes of request and %zu of table\n", spans,
	        e.parts[1].len, e.parts[0].len);
	bench_run(write_name, write_record, &x, spans);
	bench_run(read_name, read_record, &x, spans);
	free((void *)(uintptr_t)x.record.payload.ptr);
	free(memory);
	toll_batch_unref(x.b);
}

int main(void)
{
	run("record_new_512_spans", "record_decode_512_spans", SPANS);
	run("record_new_1_span", "record_decode_1_span", 1);
	return 0;
}
