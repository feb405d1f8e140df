/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "tests/unit/unit.h"

static struct toll_arena arena;
static struct toll_findings findings;
static struct toll_uri_files files;

static int setup(void **state TOLL_UNUSED)
{
	toll_arena_init(&arena, 64 << 20);
	setenv("TOLL_T_WORD", "hello", 1);
	setenv("TOLL_T_NUMBER", "0123", 1);
	setenv("TOLL_T_LIST", "[a, b]", 1);
	setenv("TOLL_T_MAP", "x: 1\ny: {z: 2}", 1);
	setenv("TOLL_T_EMPTY", "", 1);
	setenv("TOLL_T_HASH", "#secret", 1);
	setenv("TOLL_T_BAD", "{[", 1);
	setenv("TOLL_T_QUOTED", "\"a b\"", 1);
	setenv("TOLL_T_DOLLARS", "a$$b${TOLL_T_WORD}", 1);
	setenv("TOLL_T_NAME", "WORD", 1);
	unsetenv("TOLL_T_UNSET");
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_arena_release(&arena);
	toll_findings_release(&findings);
	files = (struct toll_uri_files){ 0 };
	return 0;
}

static struct toll_yaml_node *expand_err(const char *value, int err)
{
	char yaml[512];
	struct toll_yaml_input in = { .file = "t.yaml", .arena = &arena, .findings = &findings };
	struct toll_yaml_node *root;

	toll_findings_release(&findings);
	snprintf(yaml, sizeof(yaml), "k: %s\n", value);
	in.text = toll_slice_str(yaml);
	assert_int_equal(toll_yaml_parse(&in, &root), 0);
	assert_int_equal(toll_expand(root, &arena, &findings, &files), err);
	return toll_yaml_find(root, "k")->value;
}

/* The value of k after expansion. */
static struct toll_yaml_node *expand(const char *value)
{
	return expand_err(value, 0);
}

static void expect_text(const char *value, const char *text)
{
	const struct toll_yaml_node *n = expand(value);

	if (n->kind != TOLL_YAML_SCALAR || !toll_slice_is(n->text, text))
		fail_msg("%s: got %s \"%s\"", value, toll_yaml_kind_text(n), n->text.ptr);
}

static void text_is_replaced(void **state TOLL_UNUSED)
{
	expect_text("${env:TOLL_T_WORD}", "hello");
	expect_text("${TOLL_T_WORD}", "hello");
	expect_text("\"<${env:TOLL_T_WORD}, ${TOLL_T_NUMBER}>\"", "<hello, 0123>");
	expect_text("a${env:TOLL_T_EMPTY}b", "ab");
	expect_text("${env:TOLL_T_NUMBER}${env:TOLL_T_NUMBER}", "01230123");
	expect_text("plain", "plain");
	for (size_t i = 0; i < findings.count; i++)
		assert_int_equal(findings.at[i].severity, TOLL_FINDING_INFO);
}

static void dollars_escape(void **state TOLL_UNUSED)
{
	expect_text("$$", "$");
	expect_text("$${env:TOLL_T_WORD}", "${env:TOLL_T_WORD}");
	expect_text("$$${env:TOLL_T_WORD}", "$hello");
	expect_text("$TOLL_T_WORD", "$TOLL_T_WORD");
	expect_text("^v[0-9]+$", "^v[0-9]+$");
	expect_text("\"$\"", "$");
	assert_int_equal(findings.count, 0);
	expect_text("\"a ${b\"", "a ${b");
	assert_int_equal(findings.count, 1);
}

static void defaults_are_used(void **state TOLL_UNUSED)
{
	expect_text("\"${env:TOLL_T_UNSET:-x y}\"", "x y");
	expect_text("${TOLL_T_UNSET:-8}", "8");
	expect_text("${env:TOLL_T_UNSET:-}", "");
	expect_text("${env:TOLL_T_WORD:-other}", "hello");
	expect_text("${env:TOLL_T_UNSET:-${env:TOLL_T_WORD}}", "hello");
	expect_text("${env:TOLL_T_${env:TOLL_T_NAME}}", "hello");
	assert_int_equal(findings.count, 0);
}

static void unset_is_null_with_a_warning(void **state TOLL_UNUSED)
{
	assert_int_equal(expand("${env:TOLL_T_UNSET}")->kind, TOLL_YAML_NULL);
	assert_int_equal(findings.count, 1);
	assert_int_equal(findings.errors, 0);
	assert_non_null(strstr(findings.at[0].text, "TOLL_T_UNSET is not set"));
	assert_int_equal(findings.at[0].severity, TOLL_FINDING_WARNING);
	assert_int_equal(expand("${env:TOLL_T_EMPTY}")->kind, TOLL_YAML_NULL);
	assert_int_equal(findings.count, 1);
	assert_int_equal(findings.at[0].severity, TOLL_FINDING_INFO);
	assert_non_null(strstr(findings.at[0].text, "set, but empty"));
}

static void values_are_yaml(void **state TOLL_UNUSED)
{
	const struct toll_yaml_node *n = expand("${env:TOLL_T_LIST}");

	assert_int_equal(n->kind, TOLL_YAML_LIST);
	assert_int_equal(n->count, 2);
	assert_true(toll_slice_is(n->source, "[a, b]"));
	assert_int_equal(n->entries[1].line, 1);
	n = expand("${env:TOLL_T_MAP}");
	assert_int_equal(n->kind, TOLL_YAML_MAP);
	assert_non_null(toll_yaml_find(toll_yaml_find(n, "y")->value, "z"));
	expect_text("${env:TOLL_T_BAD}", "{[");
	expect_text("${env:TOLL_T_QUOTED}", "a b");
	n = expand("${env:TOLL_T_HASH}");
	assert_int_equal(n->kind, TOLL_YAML_NULL);
	assert_true(toll_slice_is(n->source, "#secret"));
}

static void values_are_expanded_again(void **state TOLL_UNUSED)
{
	const struct toll_yaml_node *n;

	expect_text("${env:TOLL_T_DOLLARS}", "a$bhello");
	expect_text("<${env:TOLL_T_DOLLARS}>", "<a$bhello>");
	setenv("TOLL_T_DEEP", "{a: ['${env:TOLL_T_WORD}', '$${x}'], b: '${TOLL_T_NUMBER}'}", 1);
	n = expand("${env:TOLL_T_DEEP}");
	assert_int_equal(n->kind, TOLL_YAML_MAP);
	assert_string_equal(n->entries[0].value->entries[0].value->text.ptr, "hello");
	assert_string_equal(n->entries[0].value->entries[1].value->text.ptr, "${x}");
	assert_true(toll_slice_is(n->entries[1].value->source, "0123"));
	assert_string_equal(n->source.ptr, "{a: ['hello', '${x}'], b: '0123'}");
	assert_int_equal(findings.count, 0);
	/* A default has been expanded where it stands. */
	expect_text("\"${env:TOLL_T_UNSET:-$$$${x}}\"", "$${x}");
}

static void circles_are_refused(void **state TOLL_UNUSED)
{
	setenv("TOLL_T_A", "x${env:TOLL_T_B}", 1);
	setenv("TOLL_T_B", "[\"${env:TOLL_T_A}\"]", 1);
	expand_err("${env:TOLL_T_B}", TOLL_ECONFIG);
	assert_int_equal(findings.errors, 1);
	assert_string_equal(findings.at[0].text,
	                    "goes round in a circle: ${env:TOLL_T_B} in ${env:TOLL_T_A} in "
	                    "${env:TOLL_T_B}");
}

static void what_grows_without_end_is_refused(void **state TOLL_UNUSED)
{
	char name[24], value[256];
	size_t len = 0;

	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "TOLL_G%d", i);
		snprintf(value, sizeof(value), "${TOLL_G%d}${TOLL_G%d}", i + 1, i + 1);
		setenv(name, value, 1);
	}
	setenv("TOLL_G12", "x", 1);
	expand_err("a${env:TOLL_G0}", TOLL_ECONFIG);
	assert_string_equal(findings.at[0].text, "more than 100 ${...} in one value");
	for (int i = 0; i < 20; i++)
		len += (size_t)snprintf(value + len, sizeof(value) - len, "${TOLL_G12}");
	expand(value);
	assert_int_equal(findings.count, 0);
}

static void yaml_is_taken_as_it_stands(void **state TOLL_UNUSED)
{
	const struct toll_yaml_node *n = expand("\"${yaml:[a, ${env:TOLL_T_NUMBER}]}\"");

	assert_int_equal(n->kind, TOLL_YAML_LIST);
	assert_int_equal(n->count, 2);
	assert_string_equal(n->entries[1].value->text.ptr, "0123");
	assert_int_equal(expand("\"${yaml:}\"")->kind, TOLL_YAML_NULL);
	assert_int_equal(findings.count, 0);
}

static void files_are_read(void **state TOLL_UNUSED)
{
	char path[] = "/tmp/toll-expand-XXXXXX", value[64];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	close(fd);
	snprintf(value, sizeof(value), "${file:%s}", path);
	expect_text(value, "secret");
	expect_text(value, "secret");
	assert_int_equal(files.count, 1);
	assert_string_equal(files.at[0], path);
	unlink(path);
	expand(value);
	assert_int_equal(findings.errors, 1);
	assert_non_null(strstr(findings.at[0].text, "No such file"));
}

static void faults_are_told(void **state TOLL_UNUSED)
{
	expand("${env:9X}");
	assert_int_equal(findings.errors, 1);
	expand("${http://x}");
	assert_int_equal(findings.errors, 1);
	assert_non_null(strstr(findings.at[0].text, "not fetched over http"));
	expand("${vault:x}");
	assert_int_equal(findings.errors, 1);
	assert_non_null(strstr(findings.at[0].text, "\"vault\" is not known"));
	expand("${}");
	assert_int_equal(findings.errors, 1);
}

static void nesting_is_bounded(void **state TOLL_UNUSED)
{
	struct toll_yaml_input in = { .file = "t", .arena = &arena, .findings = &findings };
	struct toll_yaml_node *root;
	char yaml[4096];
	size_t len = 0;

	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "${env:A:-");
	memset(yaml + len, '}', 100);
	in.text = toll_slice(yaml, len + 100);
	assert_int_equal(toll_yaml_parse(&in, &root), 0);
	assert_int_equal(toll_expand(root, &arena, &findings, &files), TOLL_ECONFIG);
}

static void expansion_is_bounded(void **state TOLL_UNUSED)
{
	struct toll_yaml_input in = { .file = "t", .arena = &arena, .findings = &findings };
	struct toll_yaml_node *root;
	char *big = malloc(100001), *yaml = malloc(10000);
	size_t len = (size_t)snprintf(yaml, 10000, "[&a \"${env:TOLL_T_BIG}\"");

	/* 50,000 values in a variable, used a hundred times by an alias. */
	for (int i = 0; i < 100000; i++)
		big[i] = i % 2 ? 'x' : ',';
	big[0] = '[';
	big[99999] = ']';
	big[100000] = '\0';
	setenv("TOLL_T_BIG", big, 1);
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(yaml + len, 10000 - len, ", *a");
	yaml[len++] = ']';
	in.text = toll_slice(yaml, len);
	assert_int_equal(toll_yaml_parse(&in, &root), 0);
	assert_int_equal(toll_expand(root, &arena, &findings, &files), TOLL_ECONFIG);
	unsetenv("TOLL_T_BIG");
	free(big);
	free(yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(dollars_escape, setup, teardown),
		cmocka_unit_test_setup_teardown(defaults_are_used, setup, teardown),
		cmocka_unit_test_setup_teardown(unset_is_null_with_a_warning, setup, teardown),
		cmocka_unit_test_setup_teardown(values_are_yaml, setup, teardown),
		cmocka_unit_test_setup_teardown(values_are_expanded_again, setup, teardown),
		cmocka_unit_test_setup_teardown(circles_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_grows_without_end_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(yaml_is_taken_as_it_stands, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(nesting_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(expansion_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests_name("expand", tests, NULL, NULL);
}
