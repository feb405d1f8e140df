/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "tests/unit/unit.h"

struct loaded {
	struct toll_arena arena;
	struct toll_findings findings;
	struct toll_yaml_node *root;
	int err;
};

static void parse(struct loaded *l, const char *yaml, size_t len)
{
	struct toll_yaml_input in = { .text = toll_slice(yaml, len),
		                      .file = "t.yaml",
		                      .arena = &l->arena,
		                      .findings = &l->findings };

	*l = (struct loaded){ 0 };
	toll_arena_init(&l->arena, 64 << 20);
	l->err = toll_yaml_parse(&in, &l->root);
}

static void release(struct loaded *l)
{
	toll_arena_release(&l->arena);
	toll_findings_release(&l->findings);
}

static void expect_fault(const char *yaml, unsigned line, unsigned column, const char *text)
{
	struct loaded l;

	parse(&l, yaml, strlen(yaml));
	if (l.findings.count != 1 || !strstr(l.findings.at[0].text, text))
		fail_msg("%s: %s", text, l.findings.count ? l.findings.at[0].text : "no finding");
	assert_int_equal(l.findings.at[0].line, line);
	assert_int_equal(l.findings.at[0].column, column);
	release(&l);
}

static void lines_and_columns_are_kept(void **state TOLL_UNUSED)
{
	static const char yaml[] = "a: 1\nb:\n  - x\n  - {c: \"2\"}\n";
	struct loaded l;
	const struct toll_yaml_entry *b, *c;

	parse(&l, yaml, strlen(yaml));
	assert_int_equal(l.err, 0);
	b = toll_yaml_find(l.root, "b");
	assert_non_null(b);
	assert_int_equal(b->line, 2);
	assert_int_equal(b->value->kind, TOLL_YAML_LIST);
	assert_int_equal(b->value->count, 2);
	assert_true(toll_slice_is(b->value->entries[0].value->text, "x"));
	assert_true(b->value->entries[0].value->plain);
	c = toll_yaml_find(b->value->entries[1].value, "c");
	assert_int_equal(c->line, 4);
	assert_int_equal(c->column, 6);
	assert_int_equal(c->value->column, 9);
	assert_false(c->value->plain);
	assert_int_equal(l.root->weight, 6);
	assert_int_equal(l.root->height, 4);
	release(&l);
}

static void null_is_only_what_is_plain(void **state TOLL_UNUSED)
{
	static const char yaml[] = "[ ~, null, \"null\", !!str null, 'x', '' ]";
	static const enum toll_yaml_kind kinds[] = { TOLL_YAML_NULL,   TOLL_YAML_NULL,
		                                     TOLL_YAML_SCALAR, TOLL_YAML_SCALAR,
		                                     TOLL_YAML_SCALAR, TOLL_YAML_SCALAR };
	struct loaded l;

	parse(&l, yaml, strlen(yaml));
	for (size_t i = 0; i < TOLL_COUNT(kinds); i++)
		assert_int_equal(l.root->entries[i].value->kind, kinds[i]);
	release(&l);
	parse(&l, "", 0);
	assert_int_equal(l.err, 0);
	assert_true(toll_yaml_is_null(l.root));
	release(&l);
}

static void aliases_and_merges_work(void **state TOLL_UNUSED)
{
	static const char yaml[] = "base: &b {x: 1, y: 2}\n"
				   "one: {<<: *b, y: 3}\n"
				   "two: {z: 4, <<: [*b, {w: 5}]}\n"
				   "three: *b\n";
	struct loaded l;
	const struct toll_yaml_node *one, *two;

	parse(&l, yaml, strlen(yaml));
	assert_int_equal(l.findings.count, 0);
	one = toll_yaml_find(l.root, "one")->value;
	assert_int_equal(one->count, 2);
	assert_true(toll_slice_is(toll_yaml_find(one, "y")->value->text, "3"));
	assert_true(toll_slice_is(toll_yaml_find(one, "x")->value->text, "1"));
	two = toll_yaml_find(l.root, "two")->value;
	assert_int_equal(two->count, 4);
	assert_ptr_equal(toll_yaml_find(l.root, "three")->value,
	                 toll_yaml_find(l.root, "base")->value);
	release(&l);
}

static void faults_have_a_place(void **state TOLL_UNUSED)
{
	expect_fault("a: 1\nb: 2\na: 3\n", 3, 1, "\"a\" is here for the second time");
	expect_fault("a: 1\n---\nb: 2\n", 2, 1, "second document");
	expect_fault("a: *b\n", 1, 4, "an anchor that is not defined");
	expect_fault("a: &a [*a]\n", 1, 8, "inside of what it stands for");
	expect_fault("? [a]\n: b\n", 1, 3, "a key must be plain text");
	expect_fault("a: {<<: 3}\n", 1, 5, "<< needs a mapping");
	expect_fault("a: [1, 2\nb: 3\n", 2, 2, "not valid YAML");
	expect_fault("a:\n\t- b\n", 2, 1, "indent with spaces");
	expect_fault("a: \x80\n", 1, 1, "not valid YAML");
}

static void depth_is_bounded(void **state TOLL_UNUSED)
{
	char yaml[600];
	struct loaded l;

	memset(yaml, '[', 200);
	memset(yaml + 200, ']', 200);
	parse(&l, yaml, 400);
	assert_int_equal(l.err, TOLL_ECONFIG);
	release(&l);
	memset(yaml, '[', 63);
	memset(yaml + 63, ']', 63);
	parse(&l, yaml, 126);
	assert_int_equal(l.err, 0);
	release(&l);
	/* Forty levels inside of forty by an alias. */
	snprintf(yaml, sizeof(yaml), "[&a %.40s%.40s, %.40s *a %.40s]",
	         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	         "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	         "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	parse(&l, yaml, strlen(yaml));
	assert_int_equal(l.err, TOLL_ECONFIG);
	assert_non_null(strstr(l.findings.at[0].text, "too deep"));
	release(&l);
}

static void a_billion_laughs_are_refused(void **state TOLL_UNUSED)
{
	char yaml[2000];
	size_t len = (size_t)snprintf(yaml, sizeof(yaml), "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	struct loaded l;

	for (int i = 1; i < 10; i++)
		len += (size_t)snprintf(yaml + len, sizeof(yaml) - len,
		                        "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i,
		                        i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	parse(&l, yaml, len);
	assert_int_equal(l.err, TOLL_ECONFIG);
	assert_non_null(strstr(l.findings.at[0].text, "too large"));
	assert_true(l.arena.held < 1 << 20);
	release(&l);
}

static void size_is_bounded(void **state TOLL_UNUSED)
{
	size_t size = TOLL_YAML_MAX_BYTES + 1;
	char *yaml = malloc(size);
	struct loaded l;

	assert_non_null(yaml);
	memset(yaml, ' ', size);
	parse(&l, yaml, size);
	assert_int_equal(l.err, TOLL_ECONFIG);
	release(&l);
	for (size_t i = 0; i < 600000; i++)
		yaml[i] = i % 2 ? 'x' : ',';
	yaml[0] = '[';
	parse(&l, yaml, 600000);
	assert_int_equal(l.err, TOLL_ECONFIG);
	assert_non_null(strstr(l.findings.at[0].text, "too large"));
	release(&l);
	free(yaml);
}

static void limits_can_be_others(void **state TOLL_UNUSED)
{
	struct toll_findings findings = { 0 };
	struct toll_yaml_node *root = NULL;
	struct toll_arena arena;
	struct toll_yaml_input in = { .text = TOLL_SLICE("[1,2,3,4]"),
		                      .file = "a.yaml",
		                      .arena = &arena,
		                      .findings = &findings,
		                      .max_nodes = 5 };

	toll_arena_init(&arena, 1 << 20);
	assert_int_equal(toll_yaml_parse(&in, &root), 0);
	assert_int_equal(root->weight, 5);
	in.max_nodes = 4;
	assert_int_equal(toll_yaml_parse(&in, &root), TOLL_ECONFIG);
	assert_non_null(strstr(findings.at[0].text, "more than 4 values"));
	in.max_bytes = 8;
	assert_int_equal(toll_yaml_parse(&in, &root), TOLL_ECONFIG);
	assert_non_null(strstr(findings.at[1].text, "file is too large"));
	toll_findings_release(&findings);
	toll_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_columns_are_kept),
		cmocka_unit_test(null_is_only_what_is_plain),
		cmocka_unit_test(aliases_and_merges_work),
		cmocka_unit_test(faults_have_a_place),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_billion_laughs_are_refused),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(limits_can_be_others),
	};

	return cmocka_run_group_tests_name("yaml_tree", tests, NULL, NULL);
}
