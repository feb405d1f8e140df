/* SPDX-License-Identifier: Apache-2.0 */
#include "net/endpoint.h"

#include <unistd.h>

#include "tests/unit/unit.h"

static void reads_what_users_write(void **state TOLL_UNUSED)
{
	const struct {
		const char *text, *host, *printed, *local;
		unsigned port;
	} cases[] = {
		{ "localhost:8888", "localhost", "localhost:8888", "127.0.0.1:8888", 8888 },
		{ "0.0.0.0:4317", "0.0.0.0", "0.0.0.0:4317", "127.0.0.1:4317", 4317 },
		{ "[::1]:8888", "::1", "[::1]:8888", "[::1]:8888", 8888 },
		{ "[::]:1", "::", "[::]:1", "[::1]:1", 1 },
		{ ":13133", "", ":13133", "127.0.0.1:13133", 13133 },
		{ "redis-0.redis_ns.svc:0", "redis-0.redis_ns.svc", "redis-0.redis_ns.svc:0",
		  "redis-0.redis_ns.svc:0", 0 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_endpoint e;
		char buf[TOLL_ENDPOINT_MAX];

		assert_int_equal(toll_endpoint_parse(toll_slice_str(cases[i].text), &e, NULL), 0);
		assert_string_equal(e.host, cases[i].host);
		assert_int_equal(e.port, cases[i].port);
		assert_string_equal(toll_endpoint_print(&e, buf), cases[i].printed);
		assert_string_equal(toll_endpoint_local_url(&e, buf), cases[i].local);
	}
}

static void refuses_with_a_sentence(void **state TOLL_UNUSED)
{
	const char *const bad[] = { "",        "localhost", "localhost:", "localhost:http",
		                    "h:65536", "h:-1",      "::1:8888",   "h:123456",
		                    "a b:1",   "h:1 ",      "http://h:1", "a\nb:1" };

	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		struct toll_error why = { 0 };
		struct toll_endpoint e;

		assert_int_equal(toll_endpoint_parse(toll_slice_str(bad[i]), &e, &why),
		                 TOLL_EINVALID);
		assert_true(strlen(why.text) > 10);
	}
}

static void host_of_any_length_is_safe(void **state TOLL_UNUSED)
{
	char text[600];
	struct toll_endpoint e;

	memset(text, 'h', sizeof(text));
	memcpy(text + 255, ":80", 3);
	assert_int_equal(toll_endpoint_parse(toll_slice(text, 258), &e, NULL), 0);
	assert_int_equal(strlen(e.host), 255);
	memset(text, 'h', sizeof(text));
	memcpy(text + 256, ":80", 3);
	assert_int_equal(toll_endpoint_parse(toll_slice(text, 259), &e, NULL), TOLL_EINVALID);
}

static void busy_port_names_endpoint_and_setting(void **state TOLL_UNUSED)
{
	struct toll_endpoint e;
	struct toll_error why = { 0 };
	char expect[64];
	int first, second = -1;
	uint16_t port, other;

	assert_int_equal(toll_endpoint_parse(TOLL_SLICE("localhost:0"), &e, NULL), 0);
	assert_int_equal(toll_endpoint_listen(&e, "here", &first, &port, &why), 0);
	assert_int_not_equal(port, 0);
	e.port = port;
	assert_int_equal(
		toll_endpoint_listen(&e, "service::telemetry::metrics", &second, &other, &why),
		TOLL_EFULL);
	snprintf(expect, sizeof(expect), "cannot listen on localhost:%u", port);
	assert_non_null(strstr(why.text, expect));
	assert_non_null(strstr(why.text, "service::telemetry::metrics"));
	close(first);
	assert_int_equal(toll_endpoint_listen(&e, "here", &second, &other, &why), 0);
	assert_int_equal(other, port);
	close(second);
}

static void every_interface_listens(void **state TOLL_UNUSED)
{
	struct toll_endpoint e = { .port = 0 };
	uint16_t port;
	int fd;

	assert_int_equal(toll_endpoint_listen(&e, "here", &fd, &port, NULL), 0);
	assert_int_not_equal(port, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_users_write),
		cmocka_unit_test(refuses_with_a_sentence),
		cmocka_unit_test(host_of_any_length_is_safe),
		cmocka_unit_test(busy_port_names_endpoint_and_setting),
		cmocka_unit_test(every_interface_listens),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
