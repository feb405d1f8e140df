/* SPDX-License-Identifier: Apache-2.0 */
/* bench_hash_path.c - how long one path takes: folded, untouched, and with a user's patterns. */
#include "bench/bench.h"
#include "proto/path.h"

#define PATHS  4
#define ROUNDS 256

static const struct toll_slice folded_paths[PATHS] = {
	{ "/api/v2/users/123/orders/456", 28 },
	{ "/carts/0190163d-8694-739b-aea5-966c26f8ad91/items", 49 },
	{ "/v1/payment_intents/48151623", 28 },
	{ "/shop/2026-11-21/orders", 23 },
};
static const struct toll_slice plain_paths[PATHS] = {
	{ "/api/v2/users", 13 },
	{ "/v1/payment_intents", 19 },
	{ "/healthz", 8 },
	{ "/catalogue/search/suggestions", 29 },
};

struct job {
	const struct toll_slice *paths;
	const struct toll_path_rules *rules;
	struct toll_arena arena;
	size_t bytes;
};

static void fold_all(void *ctx)
{
	struct job *job = ctx;
	struct toll_slice folded;

	toll_arena_reset(&job->arena);
	for (int i = 0; i < ROUNDS * PATHS; i++)
		if (toll_path_fold(&job->arena, job->paths[i % PATHS], job->rules, &folded) == 0)
			job->bytes += folded.len;
}

static void run(const char *name, const struct toll_slice *paths,
                const struct toll_path_rules *rules)
{
	struct job job = { .paths = paths, .rules = rules };

	toll_arena_init(&job.arena, 1 << 26);
	bench_run(name, fold_all, &job, ROUNDS * PATHS);
	toll_arena_release(&job.arena);
}

int main(void)
{
	static const struct toll_slice keep = { "^404$", 5 }, replace = { "^sku-", 5 };
	static const struct toll_slice regex = { "^sku-[a-z]+$", 12 };
	const struct toll_path_settings text = { { "*", 1 }, &keep, &replace, 1, 1 };
	const struct toll_path_settings expression = { { "*", 1 }, &keep, &regex, 1, 1 };
	struct toll_path_rules *plain, *slow;

	if (toll_path_rules_new(&text, &plain, NULL) < 0 ||
	    toll_path_rules_new(&expression, &slow, NULL) < 0)
		return 1;
	run("hash_path_folded", folded_paths, NULL);
	run("hash_path_untouched", plain_paths, NULL);
	run("hash_path_folded_text_patterns", folded_paths, plain);
	run("hash_path_folded_regex", folded_paths, slow);
	toll_path_rules_free(plain);
	toll_path_rules_free(slow);
	return 0;
}
