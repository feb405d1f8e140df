/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/name.h"

#include <string.h>

#include "tests/unit/unit.h"

#include "base/macro.h"

static struct toll_slice encoded(struct toll_slice name)
{
	static char buf[TOLL_NAME_MAX];

	return toll_slice(buf, toll_name_encode(name, buf));
}

static void plain_names_stay_themselves(void **state TOLL_UNUSED)
{
	static const char *const plain[] = { "payment-svc", "__overflow__", "a/b.c~d", "größe",
		                             "" };

	for (size_t i = 0; i < TOLL_COUNT(plain); i++)
		assert_true(toll_slice_is(encoded(toll_slice_str(plain[i])), plain[i]));
}

static void what_would_break_a_key_is_encoded_and_comes_back(void **state TOLL_UNUSED)
{
	static const struct {
		struct toll_slice raw;
		const char *key;
	} cases[] = {
		{ TOLL_SLICE("a:b"), "a%3Ab" },
		{ TOLL_SLICE("{x}"), "%7Bx%7D" },
		{ TOLL_SLICE("two words"), "two%20words" },
		{ TOLL_SLICE("a%3Ab"), "a%253Ab" },
		{ TOLL_SLICE("nul\0\n\x7f"), "nul%00%0A%7F" },
		{ TOLL_SLICE("gr\xc3\xb6\xff\xc3"), "gr\xc3\xb6%FF%C3" },
		{ TOLL_SLICE("\xed\xa0\x80"), "%ED%A0%80" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char back[TOLL_NAME_MAX];

		assert_true(toll_slice_is(encoded(cases[i].raw), cases[i].key));
		assert_true(toll_slice_eq(
			toll_slice(back, toll_name_decode(toll_slice_str(cases[i].key), back)),
			cases[i].raw));
	}
}

static void broken_escapes_are_left_alone(void **state TOLL_UNUSED)
{
	char back[TOLL_NAME_MAX];

	assert_true(toll_slice_is(toll_slice(back, toll_name_decode(TOLL_SLICE("100%zz%4"), back)),
	                          "100%zz%4"));
}

static void a_cut_falls_between_characters(void **state TOLL_UNUSED)
{
	char name[300], key[TOLL_NAME_MAX];

	for (size_t i = 0; i < sizeof(name); i += 4)
		memcpy(name + i, "\xf0\x9f\x9a\x80", 4);
	assert_int_equal(toll_name_encode(toll_slice(name, sizeof(name)), key), 108 + 17);
	assert_memory_equal(key, name, 108);
	assert_int_equal(key[108], '~');
	memset(name, ' ', sizeof(name));
	name[0] = 'x';
	assert_int_equal(toll_name_encode(toll_slice(name, 50), key), 109 + 17);
	assert_memory_equal(key + 106, "%20~", 4);
}

static void long_names_are_cut_and_stay_apart(void **state TOLL_UNUSED)
{
	char name[300], first[TOLL_NAME_MAX], second[TOLL_NAME_MAX];

	memset(name, 'x', sizeof(name));
	assert_int_equal(toll_name_encode(toll_slice(name, 128), first), 128);
	assert_memory_equal(first, name, 128);
	assert_int_equal(toll_name_encode(toll_slice(name, 129), first), 128);
	assert_memory_equal(first, name, 111);
	assert_int_equal(first[111], '~');
	for (size_t i = 112; i < 128; i++)
		assert_non_null(memchr("0123456789abcdef", first[i], 16));
	assert_int_equal(toll_name_encode(toll_slice(name, 130), second), 128);
	assert_memory_not_equal(first, second, 128);
	memset(name, ' ', sizeof(name));
	assert_int_equal(toll_name_encode(toll_slice(name, 43), first), 128);
}

static void globs(void **state TOLL_UNUSED)
{
	static const struct {
		const char *glob, *name;
		bool matches;
	} cases[] = {
		{ "*", "", true },
		{ "*", "anything", true },
		{ "batch-*", "batch-7", true },
		{ "batch-*", "xbatch-7", false },
		{ "*-svc", "payment-svc", true },
		{ "*-svc", "payment-svc2", false },
		{ "a*b*c", "a1b2b3c", true },
		{ "a*b*c", "a1b2b3", false },
		{ "?at", "cat", true },
		{ "?at", "at", false },
		{ "[ab]", "a", false },
		{ "", "", true },
		{ "", "a", false },
		{ "***", "x", true },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		assert_int_equal(toll_name_match(toll_slice_str(cases[i].glob),
		                                 toll_slice_str(cases[i].name)),
		                 cases[i].matches);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names_stay_themselves),
		cmocka_unit_test(what_would_break_a_key_is_encoded_and_comes_back),
		cmocka_unit_test(broken_escapes_are_left_alone),
		cmocka_unit_test(a_cut_falls_between_characters),
		cmocka_unit_test(long_names_are_cut_and_stay_apart),
		cmocka_unit_test(globs),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
