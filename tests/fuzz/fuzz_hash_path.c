/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hash_path.c - folding stays inside its bounds, and folding again changes nothing. */
#include <assert.h>
#include <stdint.h>

#include "proto/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct toll_path_rules *own_rules(void)
{
	static const struct toll_slice keep = { "^[0-9]{3}$", 10 }, replace = { "^sku-", 5 };
	static const struct toll_path_settings set = { { "{id}", 4 }, &keep, &replace, 1, 1 };
	static struct toll_path_rules *rules;

	if (!rules) {
		int err = toll_path_rules_new(&set, &rules, NULL);

		assert(err == 0);
	}
	return rules;
}

static void check(struct toll_slice path, const struct toll_path_rules *rules)
{
	struct toll_arena arena;
	struct toll_slice once, twice;
	int err;

	toll_arena_init(&arena, 1 << 24);
	err = toll_path_fold(&arena, path, rules, &once);
	assert(err == 0);
	assert(once.len <= path.len * 5 + 4);
	err = toll_path_fold(&arena, once, rules, &twice);
	assert(err == 0 && toll_slice_eq(once, twice));
	assert(toll_path_of_url(path).len <= path.len + 1);
	toll_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(toll_slice(data, size), NULL);
	check(toll_slice(data, size), own_rules());
	return 0;
}
