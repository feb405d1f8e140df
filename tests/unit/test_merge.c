/* SPDX-License-Identifier: Apache-2.0 */
#include "config/merge.h"

#include <stdio.h>

#include "config/config.h"
#include "tests/unit/unit.h"

static struct toll_arena arena;

static int setup(void **state TOLL_UNUSED)
{
	toll_arena_init(&arena, 64 << 20);
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_arena_release(&arena);
	return 0;
}

static struct toll_yaml_node *tree(const char *yaml, const char *file)
{
	struct toll_yaml_input in = { .text = toll_slice_str(yaml), .file = file, .arena = &arena };
	struct toll_yaml_node *root;

	assert_int_equal(toll_yaml_parse(&in, &root), 0);
	return root;
}

/* {a: [1, {b: ~}]} without blanks. */
static void write_tree(const struct toll_yaml_node *n, FILE *out)
{
	if (n->kind == TOLL_YAML_NULL)
		fputc('~', out);
	if (n->kind == TOLL_YAML_SCALAR)
		fprintf(out, "%.*s", TOLL_FMT(n->text));
	if (n->kind < TOLL_YAML_LIST)
		return;
	fputc(n->kind == TOLL_YAML_LIST ? '[' : '{', out);
	for (size_t i = 0; i < n->count; i++) {
		fprintf(out, "%s%.*s%s", i ? "," : "", TOLL_FMT(n->entries[i].key),
		        n->kind == TOLL_YAML_MAP ? ":" : "");
		write_tree(n->entries[i].value, out);
	}
	fputc(n->kind == TOLL_YAML_LIST ? ']' : '}', out);
}

static void expect(const struct toll_yaml_node *n, const char *wanted)
{
	char text[1024] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(n);
	assert_non_null(out);
	write_tree(n, out);
	fclose(out);
	assert_string_equal(text, wanted);
}

static void the_rules_of_the_collector(void **state TOLL_UNUSED)
{
	static const struct {
		const char *base, *over, *wanted;
	} cases[] = {
		{ "{a: 1}", "{b: 2}", "{a:1,b:2}" },
		{ "{a: 1}", "{a: 2}", "{a:2}" },
		{ "{a: {x: 1, y: {z: 1}}}", "{a: {y: {w: 2}, x: 3}}", "{a:{x:3,y:{z:1,w:2}}}" },
		{ "{a: [1, 2]}", "{a: [3]}", "{a:[3]}" },
		{ "{a: {x: 1}}", "{a: [3]}", "{a:[3]}" },
		{ "{a: [3]}", "{a: {x: 1}}", "{a:{x:1}}" },
		{ "{a: {x: 1}}", "{a: }", "{a:~}" },
		{ "{a: {x: 1}}", "{a: {}}", "{a:{x:1}}" },
		{ "{a: {x: 1}}", "{a: {x: }}", "{a:{x:~}}" },
		{ "{a: }", "{a: {x: 1}}", "{a:{x:1}}" },
		{ "{a: '${env:A}'}", "{a: {x: 1}}", "{a:{x:1}}" },
		{ "{a: &s {x: 1}, b: *s}", "{b: {x: 2}}", "{a:{x:1},b:{x:2}}" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		int err = 0;

		expect(toll_yaml_merge(&arena, tree(cases[i].base, "1"), tree(cases[i].over, "2"),
		                       &err),
		       cases[i].wanted);
		assert_int_equal(err, 0);
	}
}

static void every_value_knows_its_file(void **state TOLL_UNUSED)
{
	int err = 0;
	struct toll_yaml_node *n = toll_yaml_merge(&arena, tree("a: {x: 1,\n y: 2}\n", "one.yaml"),
	                                           tree("\n\na: {y: 3, z: 4}\n", "two.yaml"), &err);
	const struct toll_yaml_node *a = n->entries[0].value;

	assert_string_equal(n->entries[0].file, "one.yaml");
	assert_string_equal(toll_yaml_find(a, "x")->file, "one.yaml");
	assert_string_equal(toll_yaml_find(a, "y")->file, "two.yaml");
	assert_int_equal(toll_yaml_find(a, "y")->line, 3);
	assert_string_equal(toll_yaml_find(a, "z")->value->file, "two.yaml");
}

static void keys_are_split(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *wanted;
	} cases[] = {
		{ "a::b::c: 1", "{a:{b:{c:1}}}" },
		{ "{a: {x: 1}, 'a::y': 2, 'a::x': 3}", "{a:{x:3,y:2}}" },
		{ "{'a::b': {c: 1}, 'a::b::d': 2}", "{a:{b:{c:1,d:2}}}" },
		{ "{a: {'b::c': 1}}", "{a:{b::c:1}}" },
		{ "exporters::otlp/2::endpoint: h:1", "{exporters:{otlp/2:{endpoint:h:1}}}" },
		{ "[1]", "[1]" },
	};
	int err = 0;

	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		expect(toll_yaml_split_keys(&arena, tree(cases[i].yaml, "f"), &err),
		       cases[i].wanted);
	assert_int_equal(err, 0);
}

static void too_much_is_refused(void **state TOLL_UNUSED)
{
	char deep[512];
	size_t len = 0;
	int err = 0;

	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(deep + len, sizeof(deep) - len, "a::");
	snprintf(deep + len, sizeof(deep) - len, "b: 1");
	assert_null(toll_yaml_split_keys(&arena, tree(deep, "f"), &err));
	assert_int_equal(err, TOLL_ETOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_rules_of_the_collector, setup, teardown),
		cmocka_unit_test_setup_teardown(every_value_knows_its_file, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_split, setup, teardown),
		cmocka_unit_test_setup_teardown(too_much_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
