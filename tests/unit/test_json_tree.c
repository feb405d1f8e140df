/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/json_tree.h"

#include <stdlib.h>

#include "config/config.h"
#include "tests/unit/unit.h"

struct loaded {
	struct toll_arena arena;
	struct toll_findings findings;
	struct toll_yaml_node *root;
	int err;
};

static struct loaded load_slice(struct toll_slice text, uint32_t max_nodes)
{
	struct loaded l = { .root = NULL };
	struct toll_yaml_input in = { .text = text,
		                      .file = "prices.json",
		                      .arena = &l.arena,
		                      .findings = &l.findings,
		                      .max_nodes = max_nodes };

	toll_arena_init(&l.arena, (size_t)64 << 20);
	l.err = toll_json_tree(&in, &l.root);
	return l;
}

static struct loaded load(const char *text)
{
	return load_slice(toll_slice_str(text), 0);
}

static void release(struct loaded *l)
{
	toll_findings_release(&l->findings);
	toll_arena_release(&l->arena);
}

static void assert_at(const struct toll_yaml_entry *e, const char *key, unsigned line,
                      unsigned column, unsigned value_line, unsigned value_column)
{
	assert_true(toll_slice_is(e->key, key));
	assert_int_equal(e->line, line);
	assert_int_equal(e->column, column);
	assert_int_equal(e->value->line, value_line);
	assert_int_equal(e->value->column, value_column);
}

static void everything_has_its_place(void **state TOLL_UNUSED)
{
	struct loaded l = load("\xef\xbb\xbf{\"a\": 1.50e-7,\r\n"
	                       " \"q\\\"\\\\\" : [true,\t\"x\", null],\n"
	                       "\"\xc3\xa4\": {\"n\":\n{}}, \"\\u00e4b\":\"\\ud83d\\ude00\"}");
	const struct toll_yaml_node *list;

	assert_int_equal(l.err, 0);
	assert_int_equal(l.root->kind, TOLL_YAML_MAP);
	assert_int_equal(l.root->count, 4);
	assert_at(&l.root->entries[0], "a", 1, 2, 1, 7);
	assert_true(toll_slice_is(l.root->entries[0].value->text, "1.50e-7"));
	assert_true(l.root->entries[0].value->plain);
	assert_at(&l.root->entries[1], "q\"\\", 2, 2, 2, 12);
	list = l.root->entries[1].value;
	assert_int_equal(list->kind, TOLL_YAML_LIST);
	assert_true(toll_slice_is(list->entries[0].value->text, "true"));
	assert_int_equal(list->entries[1].column, 19);
	assert_false(list->entries[1].value->plain);
	assert_int_equal(list->entries[2].value->kind, TOLL_YAML_NULL);
	assert_at(&l.root->entries[2], "\xc3\xa4", 3, 1, 3, 6);
	assert_at(&l.root->entries[2].value->entries[0], "n", 3, 7, 4, 1);
	assert_at(&l.root->entries[3],
	          "\xc3\xa4"
	          "b",
	          4, 6, 4, 16);
	release(&l);
}

static void faults_have_a_place(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *says;
		unsigned line;
	} cases[] = {
		{ "{\"a\": 1,\n \"b\": nope}", "not valid JSON", 2 },
		{ "{\"a\": 1,\n\n \"a\": 2}", "second time (first in line 1)", 3 },
		{ "{\"a\": 1} x", "not valid JSON", 1 },
		{ "{\"a\":\n 'x'}", "not valid JSON", 2 },
		{ "{\"a\": NaN}", "not valid JSON", 1 },
		{ "{\"a\": \"\xff\"}", "not UTF-8", 1 },
		{ "{\"a\": [1,", "not valid JSON", 1 },
		{ "", "not valid JSON", 1 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct loaded l = load(cases[i].text);

		assert_int_equal(l.findings.errors, 1);
		assert_non_null(strstr(l.findings.at[0].text, cases[i].says));
		assert_int_equal(l.findings.at[0].line, cases[i].line);
		release(&l);
	}
}

static void depth_and_number_are_bounded(void **state TOLL_UNUSED)
{
	char deep[400];
	struct loaded l;

	memset(deep, '[', 200);
	memset(deep + 200, ']', 200);
	l = load_slice(toll_slice(deep, 400), 0);
	assert_int_equal(l.err, TOLL_ECONFIG);
	assert_non_null(strstr(l.findings.at[0].text, "nested too deep"));
	release(&l);
	l = load_slice(TOLL_SLICE("[1,2,3,4]"), 5);
	assert_int_equal(l.err, 0);
	release(&l);
	l = load_slice(TOLL_SLICE("[1,2,3,4]"), 4);
	assert_int_equal(l.err, TOLL_ECONFIG);
	assert_non_null(strstr(l.findings.at[0].text, "more than 4 values"));
	release(&l);
}

static void a_merge_key_is_an_ordinary_one(void **state TOLL_UNUSED)
{
	struct loaded l = load("{\"<<\": {\"a\": 1}}");

	assert_int_equal(l.err, 0);
	assert_non_null(toll_yaml_find(l.root, "<<"));
	assert_null(toll_yaml_find(l.root, "a"));
	release(&l);
}

static void what_begins_like_json_is_json(void **state TOLL_UNUSED)
{
	assert_true(toll_json_tree_is_json(TOLL_SLICE("\xef\xbb\xbf \n{")));
	assert_true(toll_json_tree_is_json(TOLL_SLICE("[")));
	assert_false(toll_json_tree_is_json(TOLL_SLICE("a: {")));
	assert_false(toll_json_tree_is_json(TOLL_SLICE("  ")));
	assert_false(toll_json_tree_is_json(TOLL_SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_has_its_place),
		cmocka_unit_test(faults_have_a_place),
		cmocka_unit_test(depth_and_number_are_bounded),
		cmocka_unit_test(a_merge_key_is_an_ordinary_one),
		cmocka_unit_test(what_begins_like_json_is_json),
	};

	return cmocka_run_group_tests_name("json_tree", tests, NULL, NULL);
}
