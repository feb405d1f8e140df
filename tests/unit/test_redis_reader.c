/* SPDX-License-Identifier: Apache-2.0 */
/* A Redis that is none, or lies about sizes, costs a connection. */
#include "net/redis_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

static int feed(struct toll_redis_reader *r, const char *text)
{
	return toll_redis_reader_feed(r, text, strlen(text));
}

static void answers_come_one_by_one(void **state TOLL_UNUSED)
{
	struct toll_redis_reader *r = toll_redis_reader_new();
	redisReply *reply;

	assert_int_equal(feed(r, "+OK\r\n$5\r\nhel"), 0);
	assert_int_equal(toll_redis_reader_take(r, &reply), 1);
	assert_string_equal(reply->str, "OK");
	freeReplyObject(reply);
	assert_int_equal(toll_redis_reader_take(r, &reply), 0);
	assert_int_equal(feed(r, "lo\r\n*2\r\n:1\r\n*1\r\n:2\r\n"), 0);
	assert_int_equal(toll_redis_reader_take(r, &reply), 1);
	assert_string_equal(reply->str, "hello");
	freeReplyObject(reply);
	assert_int_equal(toll_redis_reader_take(r, &reply), 1);
	assert_int_equal(reply->element[1]->element[0]->integer, 2);
	freeReplyObject(reply);
	toll_redis_reader_free(r);
}

static void expect_refused(const char *text, const char *why)
{
	struct toll_redis_reader *r = toll_redis_reader_new();
	redisReply *reply;

	assert_int_equal(feed(r, text), 0);
	assert_int_equal(toll_redis_reader_take(r, &reply), TOLL_EINVALID);
	assert_non_null(strstr(toll_redis_reader_why(r), why));
	toll_redis_reader_free(r);
}

static void too_many_elements_are_refused_before_there_is_room_for_them(void **state TOLL_UNUSED)
{
	expect_refused("*2000000000\r\n", "larger than any");
	/* All arrays of an answer together. */
	expect_refused("*2\r\n*1048575\r\n", "larger than any");
	expect_refused("HTTP/1.1 400 Bad Request\r\n", "Protocol error");
}

static void elements_of_different_answers_are_not_added_up(void **state TOLL_UNUSED)
{
	struct toll_redis_reader *r = toll_redis_reader_new();
	char head[32];
	redisReply *reply;

	snprintf(head, sizeof(head), "*%zu\r\n", TOLL_REDIS_REPLY_ELEMENTS);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(feed(r, head), 0);
		for (size_t i = 0; i < TOLL_REDIS_REPLY_ELEMENTS; i++)
			assert_int_equal(feed(r, ":1\r\n"), 0);
		assert_int_equal(toll_redis_reader_take(r, &reply), 1);
		freeReplyObject(reply);
	}
	toll_redis_reader_free(r);
}

static void a_text_without_end_is_refused(void **state TOLL_UNUSED)
{
	static char chunk[1 << 20];
	struct toll_redis_reader *r = toll_redis_reader_new();
	redisReply *reply;
	size_t fed = 0;

	assert_int_equal(feed(r, "$536870000\r\n"), 0);
	while (toll_redis_reader_feed(r, chunk, sizeof(chunk)) == 0) {
		assert_int_equal(toll_redis_reader_take(r, &reply), 0);
		fed += sizeof(chunk);
	}
	assert_true(fed <= TOLL_REDIS_REPLY_BYTES);
	assert_non_null(strstr(toll_redis_reader_why(r), "larger than any"));
	toll_redis_reader_free(r);
}

static void errors_of_ours_are_one_line(void **state TOLL_UNUSED)
{
	redisReply *reply = toll_redis_error_reply("AWAY a:1: gone\r\n+OK\r\n");

	assert_int_equal(reply->type, REDIS_REPLY_ERROR);
	assert_string_equal(reply->str, "AWAY a:1: gone");
	freeReplyObject(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_one_by_one),
		cmocka_unit_test(too_many_elements_are_refused_before_there_is_room_for_them),
		cmocka_unit_test(elements_of_different_answers_are_not_added_up),
		cmocka_unit_test(a_text_without_end_is_refused),
		cmocka_unit_test(errors_of_ours_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
