/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of Redis itself (CLUSTER KEYSLOT), redirections and maps as it prints them, and others.
 */
#include "net/redis_slots.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/redis_reader.h"
#include "tests/unit/unit.h"

static void keys_have_slots(void **state TOLL_UNUSED)
{
	static const struct {
		const char *key;
		unsigned slot;
	} cases[] = {
		{ "123456789", 12739 },    { "foo", 12182 }, { "bar", 5061 },
		{ "hello", 866 },          { "", 0 },        { "{user1000}.following", 3443 },
		{ "user1000", 3443 },      { "{}x", 10595 }, { "foo{}{bar}", 8363 },
		{ "foo{{bar}}zap", 4015 }, { "{bar", 4015 }, { "foo{bar}{zap}", 5061 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		assert_int_equal(toll_redis_slot(toll_slice_str(cases[i].key)), cases[i].slot);
}

static void what_belongs_to_a_key_shares_its_slot(void **state TOLL_UNUSED)
{
	unsigned slot = toll_redis_slot(TOLL_SLICE("cost:rolling:payment-svc:24h"));

	assert_int_equal(toll_redis_slot(TOLL_SLICE("{cost:rolling:payment-svc:24h}:s")), slot);
	assert_int_equal(toll_redis_slot(TOLL_SLICE("{cost:rolling:payment-svc:24h}:i:a{b}")),
	                 slot);
}

static const struct toll_endpoint who = { "10.0.0.9", 7000 };

static void redirections_are_read(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		enum toll_redis_redirect kind;
		unsigned slot;
		const char *host;
		unsigned port;
	} cases[] = {
		{ "MOVED 3999 127.0.0.1:6381", TOLL_REDIRECT_MOVED, 3999, "127.0.0.1", 6381 },
		{ "ASK 16383 redis-2.local:65535", TOLL_REDIRECT_ASK, 16383, "redis-2.local",
		  65535 },
		{ "MOVED 0 :6381", TOLL_REDIRECT_MOVED, 0, "10.0.0.9", 6381 },
		{ "MOVED 1 ::1:6381", TOLL_REDIRECT_MOVED, 1, "::1", 6381 },
	};
	static const char *const none[] = {
		"MOVED",
		"MOVED ",
		"MOVED 3999",
		"MOVED 3999 ",
		"MOVED 3999 host",
		"MOVED 3999 host:",
		"MOVED 3999 host:0",
		"MOVED 3999 host:65536",
		"MOVED 16384 host:1",
		"MOVED -1 host:1",
		"MOVED 3999 host:1x",
		"MOVED 3999 ?:1",
		"moved 1 a:1",
		"ERR MOVED 1 a:1",
		"ASK",
		"",
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_endpoint at;
		unsigned slot;

		assert_int_equal(toll_redis_redirect_parse(cases[i].text, &who, &slot, &at),
		                 cases[i].kind);
		assert_int_equal(slot, cases[i].slot);
		assert_string_equal(at.host, cases[i].host);
		assert_int_equal(at.port, cases[i].port);
	}
	for (size_t i = 0; i < TOLL_COUNT(none); i++) {
		struct toll_endpoint at;
		unsigned slot;

		assert_int_equal(toll_redis_redirect_parse(none[i], &who, &slot, &at),
		                 TOLL_REDIRECT_NONE);
	}
}

static redisReply *reply_of(const char *resp)
{
	struct toll_redis_reader *r = toll_redis_reader_new();
	redisReply *reply = NULL;

	assert_non_null(r);
	assert_int_equal(toll_redis_reader_feed(r, resp, strlen(resp)), 0);
	assert_int_equal(toll_redis_reader_take(r, &reply), 1);
	toll_redis_reader_free(r);
	return reply;
}

static char seen[512];

static void note(void *ctx TOLL_UNUSED, unsigned first, unsigned last,
                 const struct toll_endpoint *node)
{
	size_t len = strlen(seen);

	snprintf(seen + len, sizeof(seen) - len, "%u-%u %s:%u\n", first, last, node->host,
	         node->port);
}

static int read_map(const char *resp)
{
	redisReply *reply = reply_of(resp);
	int n;

	seen[0] = '\0';
	n = toll_redis_slots_read(reply, &who, note, NULL);
	freeReplyObject(reply);
	return n;
}

#define NODE(host, port) "*3\r\n" host "\r\n:" port "\r\n$2\r\nid\r\n"

#define RANGE(first, last) "*3\r\n:" first "\r\n:" last "\r\n"

/* clang-format off */
static const char map[] =
	"*3\r\n"
	"*4\r\n:0\r\n:5460\r\n" NODE("$9\r\n127.0.0.1", "7001") NODE("$9\r\n127.0.0.1", "7002")
	RANGE("5461", "5461") NODE("$0\r\n", "7003")
	RANGE("5462", "16383") NODE("$-1", "7004");

static const char nonsense[] =
	"*6\r\n"
	RANGE("5", "4") NODE("$1\r\na", "1")
	RANGE("0", "16384") NODE("$1\r\na", "1")
	RANGE("-1", "4") NODE("$1\r\na", "1")
	RANGE("0", "4") NODE("$1\r\na", "65536")
	RANGE("0", "4") NODE("$1\r\n?", "1")
	"*2\r\n:0\r\n:4\r\n";
/* clang-format on */

static void maps_are_read(void **state TOLL_UNUSED)
{
	assert_int_equal(read_map(map), 3);
	assert_string_equal(seen, "0-5460 127.0.0.1:7001\n5461-5461 10.0.0.9:7003\n"
	                          "5462-16383 10.0.0.9:7004\n");
}

static void nonsense_in_a_map_is_left_out(void **state TOLL_UNUSED)
{
	assert_int_equal(read_map(nonsense), 0);
	assert_int_equal(read_map("*0\r\n"), 0);
	assert_int_equal(read_map("$3\r\nabc\r\n"), TOLL_EINVALID);
	assert_int_equal(read_map("-ERR This instance has cluster support disabled\r\n"),
	                 TOLL_EINVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_have_slots),
		cmocka_unit_test(what_belongs_to_a_key_shares_its_slot),
		cmocka_unit_test(redirections_are_read),
		cmocka_unit_test(maps_are_read),
		cmocka_unit_test(nonsense_in_a_map_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
