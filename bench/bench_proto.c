/* SPDX-License-Identifier: Apache-2.0 */
/* bench_proto - what scanning, editing, splicing and writing JSON cost per span. */
#include "bench/bench.h"
#include "proto/attr.h"
#include "proto/cost_record.h"
#include "proto/edit.h"
#include "proto/otlp_encode.h"
#include "proto/otlp_json.h"
#include "proto/otlp_json_decode.h"
#include "tests/support/shop.h"

enum { SPANS = 512 };

struct bench {
	struct toll_slice wire;
	struct toll_batch *b;
	char *out;
	struct toll_buffer json;
};

static struct toll_batch *receive(struct toll_slice wire)
{
	struct toll_batch *b;
	char *at;

	if (toll_batch_new(wire.len, NULL, &at, &b) < 0)
		abort();
	memcpy(at, wire.ptr, wire.len);
	if (toll_otlp_decode(b, NULL) < 0)
		abort();
	return b;
}

static void decode(void *ctx)
{
	toll_batch_unref(receive(((struct bench *)ctx)->wire));
}

static void copy_only(void *ctx)
{
	struct bench *x = ctx;
	struct toll_batch *b;
	char *at;

	if (toll_batch_new(x->wire.len, NULL, &at, &b) < 0)
		abort();
	memcpy(at, x->wire.ptr, x->wire.len);
	toll_batch_unref(b);
}

/* What the processors do to a span: url.path replaced, four cost attributes appended. */
static void edit_all(struct toll_batch *b)
{
	static char cost[160];
	char *end = toll_write_kv_double(cost, 0x4a, TOLL_SLICE("cost.amount"), 1e-6, NULL);

	end = toll_write_kv_str(end, 0x4a, TOLL_SLICE("cost.currency"), TOLL_SLICE("USD"));
	end = toll_write_kv_str(end, 0x4a, TOLL_SLICE("cost.pricing_region"),
	                        TOLL_SLICE("us-east-1"));
	end = toll_write_kv_double(end, 0x4a, TOLL_SLICE("cost.duration_ms"), 1.25, NULL);
	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_node *n = &b->spans[i].node;

		if (toll_node_set_str(b, n, TOLL_SLICE("url.path"),
		                      TOLL_SLICE("/api/v2/users/*/orders/*")) < 0 ||
		    toll_node_append(b, n, toll_slice(cost, (size_t)(end - cost)), NULL) < 0)
			abort();
	}
}

static void decode_edit_splice(void *ctx)
{
	struct bench *x = ctx;
	struct toll_batch *b = receive(x->wire);
	struct toll_selection sel = { b, 0, b->span_count };

	edit_all(b);
	if (toll_otlp_size(&sel) > 1 << 20)
		abort();
	toll_otlp_encode(&sel, x->out);
	toll_batch_unref(b);
}

static void records(void *ctx)
{
	struct bench *x = ctx;
	char *at = x->out;

	for (uint32_t i = 0; i < x->b->span_count; i++)
		at = toll_cost_record(x->b, &x->b->spans[i], at);
}

static void otlp_json(void *ctx)
{
	struct bench *x = ctx;
	struct toll_selection sel = { x->b, 0, x->b->span_count };

	x->json.len = 0;
	toll_otlp_json(&sel, &x->json);
}

static void otlp_json_decode(void *ctx)
{
	struct bench *x = ctx;
	size_t len;

	if (toll_otlp_json_decode(x->json.ptr, x->json.len, x->out, 1 << 20, &len, NULL) < 0)
		abort();
}

int main(void)
{
	struct msg *req = shop_request(SPANS);
	struct bench x = { .wire = toll_slice(req->bytes, req->len), .out = malloc(1 << 20) };

	x.b = receive(x.wire);
	toll_batch_seal(x.b);
	fprintf(stderr, "# %d spans, %zu bytes per span\n", SPANS, x.wire.len / SPANS);
	bench_run("proto_copy_in", copy_only, &x, SPANS);
	bench_run("proto_decode", decode, &x, SPANS);
	bench_run("proto_decode_edit_splice", decode_edit_splice, &x, SPANS);
	bench_run("cost_record", records, &x, SPANS);
	bench_run("otlp_json", otlp_json, &x, SPANS);
	fprintf(stderr, "# %zu bytes of JSON per span\n", x.json.len / SPANS);
	bench_run("otlp_json_decode", otlp_json_decode, &x, SPANS);
	toll_batch_unref(x.b);
	toll_buffer_release(&x.json);
	free(x.out);
	free(req);
	return 0;
}
