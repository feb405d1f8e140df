/* SPDX-License-Identifier: Apache-2.0 */
/* import_target.h - any bytes are a price document that YAML can read, or a sentence. */
#ifndef TOLL_TESTS_FUZZ_IMPORT_TARGET_H
#define TOLL_TESTS_FUZZ_IMPORT_TARGET_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/yaml_tree.h"
#include "prices/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The document has as many rules as were counted. */
static void check_document(const struct toll_import *im, struct toll_slice text)
{
	struct toll_arena arena;
	struct toll_yaml_node *root = NULL;
	const struct toll_yaml_node *rules;
	struct toll_yaml_input in = { .text = text, .file = "fuzz", .arena = &arena };

	toll_arena_init(&arena, (size_t)256 << 20);
	assert(toll_yaml_parse(&in, &root) == 0);
	rules = toll_yaml_value(root, "rules");
	assert((rules ? rules->count : 0) == im->rules);
	toll_arena_release(&arena);
}

static void import_bytes(toll_import_run *run, const uint8_t *data, size_t size)
{
	struct toll_error why = { 0 };
	char *out = NULL,
	     *copy = malloc(size ? size : 1); /* not one byte more: reading on is seen */
	size_t len;
	struct toll_import im = { .name = "fuzz" };
	int err;

	im.out = open_memstream(&out, &len);
	assert(copy && im.out);
	memcpy(copy, data, size);
	err = run(&im, toll_slice(copy, size), &why);
	fclose(im.out);
	if (err)
		assert(why.text[0] != '\0');
	else
		check_document(&im, toll_slice(out, len));
	free(out);
	free(copy);
}

#endif
