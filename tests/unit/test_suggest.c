/* SPDX-License-Identifier: Apache-2.0 */
#include "config/suggest.h"

#include "tests/unit/unit.h"

static const char *nearest(const char *typed)
{
	static const char *const words[] = { "topic", "topics", "encoding", "brokers", "ttl" };
	struct toll_suggest s;

	toll_suggest_init(&s, toll_slice_str(typed));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		toll_suggest_offer(&s, words[i]);
	return s.best;
}

static void near_words_are_found(void **state)
{
	(void)state;
	assert_string_equal(nearest("topik"), "topic");
	assert_string_equal(nearest("Topic"), "topic");
	assert_string_equal(nearest("encodnig"), "encoding");
	assert_string_equal(nearest("broker"), "brokers");
	assert_string_equal(nearest("tll"), "ttl");
}

static void far_words_are_not(void **state)
{
	(void)state;
	assert_null(nearest("compression"));
	assert_null(nearest(""));
	assert_null(nearest("x"));
	assert_null(
		nearest("a-word-that-is-far-longer-than-any-setting-we-have-or-ever-will-have"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_words_are_found),
		cmocka_unit_test(far_words_are_not),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
