/* SPDX-License-Identifier: Apache-2.0 */
/* bench_price - what hash_path, pricing and cost add to a span that is received and sent on. */
#include "bench/bench.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "prices/settings.h"
#include "proto/otlp_encode.h"
#include "tests/support/prices.h"
#include "tests/support/shop.h"

extern const struct toll_factory toll_processor_hash_path, toll_processor_pricing,
	toll_processor_cost;

enum { SPANS = 512, STAGES = 3, CONFIG_MAX = 512, WAITING = 40 };

struct bench {
	struct toll_slice wire;
	struct toll_host *host;
	struct toll_pricebook_source source;
	struct toll_processor *stages[STAGES];
	char config[STAGES][CONFIG_MAX] __attribute__((aligned(16)));
	struct toll_stats stats;
	int stage_count; /* how many run */
	char *out;
	struct toll_batch *waiting[WAITING]; /* NULL, or done and not yet let go of */
	unsigned turn, waiting_count;
};

static void must(bool good)
{
	if (!good)
		abort();
}

/* Strings and lists have their zero as default; the rest is set by hand below. */
static void add_stage(struct bench *x, int i, const struct toll_factory *f)
{
	const struct toll_settings set = {
		.id = { f->type, "", f->type }, .who = f->type, .host = x->host, .stats = &x->stats
	};
	struct toll_component *c;

	must(f->config_size <= CONFIG_MAX);
	must(f->create(&set, x->config[i], &c, NULL) == 0);
	must(!c->ops->start || c->ops->start(c, NULL) == 0);
	x->stages[i] = toll_container_of(c, struct toll_processor, super);
}

static void fill_field(const struct toll_factory *f, char *config, const char *name,
                       const void *value, size_t size)
{
	const struct toll_field *field = f->fields;

	while (field->name && strcmp(field->name, name) != 0)
		field++;
	must(field->name);
	memcpy(config + field->offset, value, size);
}

static void make_book(struct bench *x)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_pricebook *book;
	char name[32];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "service-%02d", i);
		must(add_seed_row(builder, name, "/api/v2/users/*/orders/*", "0.0000125") == 0);
	}
	book = finish_book(builder, "bench");
	x->source.current = (struct toll_snapshot)TOLL_SNAPSHOT_INIT;
	toll_snapshot_set(&x->source.current, toll_pricebook_shared(book));
	must(toll_host_publish(x->host, "pricebook", "pricebook", &x->source) == 0);
}

static void run(void *ctx)
{
	struct bench *x = ctx;
	struct toll_selection sel;
	struct toll_batch *b;
	char *at;

	must(toll_batch_new(x->wire.len, NULL, &at, &b) == 0);
	memcpy(at, x->wire.ptr, x->wire.len);
	must(toll_otlp_decode(b, NULL) == 0);
	for (int i = 0; i < x->stage_count; i++)
		must(x->stages[i]->process(x->stages[i], b) == 0);
	sel = (struct toll_selection){ b, 0, b->span_count };
	must(toll_otlp_size(&sel) <= 1 << 20);
	toll_otlp_encode(&sel, x->out);
	toll_batch_unref(x->waiting[x->turn]);
	x->waiting[x->turn] = b;
	x->turn = (x->turn + 1) % x->waiting_count;
}

int main(void)
{
	static const char *const names[] = { "span_decode_splice", "span_decode_hash_path_splice",
		                             "span_decode_hash_path_pricing_splice",
		                             "span_decode_hash_path_pricing_cost_splice" };
	static const struct toll_slice rewritten = { "url.path", 8 };
	static const struct toll_slice_list attributes = { &rewritten, 1 };
	static const struct toll_slice placeholder = { "*", 1 }, region = { "us-east-1", 9 };
	static const bool yes = true;
	static struct bench x;
	struct msg *request = shop_request(SPANS);

	x.wire = toll_slice(request->bytes, request->len);
	x.waiting_count = 1;
	x.host = toll_host_new();
	x.out = malloc(1 << 20);
	must(x.host && x.out);
	make_book(&x);
	fill_field(&toll_processor_hash_path, x.config[0], "attributes", &attributes,
	           sizeof(attributes));
	fill_field(&toll_processor_hash_path, x.config[0], "placeholder", &placeholder,
	           sizeof(placeholder));
	fill_field(&toll_processor_hash_path, x.config[0], "rewrite", &yes, sizeof(yes));
	fill_field(&toll_processor_pricing, x.config[1], "region", &region, sizeof(region));
	add_stage(&x, 0, &toll_processor_hash_path);
	add_stage(&x, 1, &toll_processor_pricing);
	add_stage(&x, 2, &toll_processor_cost);
	for (x.stage_count = 0; x.stage_count <= STAGES; x.stage_count++)
		bench_run(names[x.stage_count], run, &x, SPANS);
	/* As many batches as may be on their way to a broker: each new one finds cold memory. */
	x.stage_count = STAGES;
	x.waiting_count = WAITING;
	bench_run("span_decode_hash_path_pricing_cost_splice_cold", run, &x, SPANS);
	return 0;
}
