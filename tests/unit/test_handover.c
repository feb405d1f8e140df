/* SPDX-License-Identifier: Apache-2.0 */
#include "net/handover.h"

#include <fcntl.h>

#include "net/http_server.h"
#include "tests/support/http.h"

static void answer(void *ctx, const struct toll_http_request *q TOLL_UNUSED,
                   struct toll_http_response *r)
{
	toll_http_printf(r, "%s", (const char *)ctx);
}

static struct toll_http_server *server(uint16_t port, const char *setting,
                                       const struct toll_http_route *route)
{
	char endpoint[32];
	struct toll_http_settings set = { .endpoint = endpoint,
		                          .setting = setting,
		                          .thread = "test",
		                          .routes = route,
		                          .route_count = 1 };
	struct toll_http_server *s = NULL;
	struct toll_error why;

	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%u", port);
	return toll_http_server_new(&set, &s, &why) == 0 ? s : NULL;
}

static void the_same_setting_takes_over_and_nobody_is_refused(void **state TOLL_UNUSED)
{
	static char one[] = "one", two[] = "two";
	const struct toll_http_route routes[] = { { "GET", "/", answer, one },
		                                  { "GET", "/", answer, two } };
	uint16_t port = http_free_port();
	struct toll_http_server *a = server(port, "a::endpoint", &routes[0]), *b;

	assert_non_null(a);
	assert_null(server(port, "b::endpoint", &routes[1])); /* another setting: taken */
	b = server(port, "a::endpoint", &routes[1]);
	assert_non_null(b);
	toll_http_server_free(a);
	assert_non_null(strstr(http_ask(port, "GET /" HTTP_END), "two"));
	a = server(port, "a::endpoint", &routes[0]);
	toll_http_server_free(b);
	assert_non_null(strstr(http_ask(port, "GET /" HTTP_END), "one"));
	toll_http_server_free(a);
}

static void what_is_closed_is_not_handed_over(void **state TOLL_UNUSED)
{
	uint16_t port = http_free_port();
	int fd = http_occupy(port), other;
	char endpoint[32];

	close(fd);
	other = open("/dev/null", O_RDONLY | O_CLOEXEC); /* the number lives on */
	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%u", port);
	assert_int_equal(toll_handover_take("somebody::else", endpoint, port), -1);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_setting_takes_over_and_nobody_is_refused),
		cmocka_unit_test(what_is_closed_is_not_handed_over),
	};

	return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
