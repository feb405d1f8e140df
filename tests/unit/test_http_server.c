/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/clock.h"
#include "tests/support/http.h"

static void say_hello(void *ctx, const struct toll_http_request *q, struct toll_http_response *r)
{
	const char *who = toll_http_query(q, "who"), *token = toll_http_header(q, "x-token");

	r->content_type = "text/x-test";
	r->headers[0].name = "X-Seen";
	r->headers[0].value = "yes";
	toll_http_printf(r, "%s %s %s %s", (const char *)ctx, q->path, who ? who : "-",
	                 token ? token : "-");
}

static void say_nothing(void *ctx TOLL_UNUSED, const struct toll_http_request *q TOLL_UNUSED,
                        struct toll_http_response *r)
{
	r->status = 204;
}

static void echo(void *ctx TOLL_UNUSED, const struct toll_http_request *q,
                 struct toll_http_response *r)
{
	toll_http_printf(r, "%.*s", TOLL_FMT(q->body));
}

static char exact[] = "exact", below[] = "below";
static const struct toll_http_route routes[] = {
	{ "GET", "/hello", say_hello, exact },
	{ "GET", "/hello/", say_hello, below },
	{ "GET", "/nothing", say_nothing, NULL },
	{ "POST", "/echo", echo, NULL },
};

static struct toll_http_server *start(const struct toll_http_settings *changes)
{
	struct toll_http_settings set = changes ? *changes : (struct toll_http_settings){ 0 };
	struct toll_http_server *s = NULL;

	set.endpoint = "127.0.0.1:0";
	set.setting = "test";
	set.thread = "test-http";
	set.routes = routes;
	set.route_count = TOLL_COUNT(routes);
	assert_int_equal(toll_http_server_new(&set, &s, NULL), 0);
	return s;
}

static void routes_by_path_and_method(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	const char *a = http_ask(toll_http_server_port(s), "GET /hello?who=a%20b&x" HTTP_END);

	assert_non_null(strstr(a, "HTTP/1.1 200"));
	assert_non_null(strstr(a, "Content-Type: text/x-test"));
	assert_non_null(strstr(a, "X-Seen: yes"));
	assert_non_null(strstr(a, "exact /hello a b t1"));
	a = http_ask(toll_http_server_port(s), "GET /hello/x%00y%2fz%?who=a%00%41%4" HTTP_END);
	assert_non_null(strstr(a, "below /hello/x%00y/z% a%00A%4 "));
	assert_non_null(strstr(http_ask(toll_http_server_port(s), "GET /hello/deep/er" HTTP_END),
	                       "below /hello/deep/er - t1"));
	assert_non_null(strstr(http_ask(toll_http_server_port(s), "GET /nothing" HTTP_END),
	                       "HTTP/1.1 204"));
	assert_non_null(
		strstr(http_ask(toll_http_server_port(s), "GET /other" HTTP_END), "HTTP/1.1 404"));
	assert_non_null(strstr(http_ask(toll_http_server_port(s), "GET /hellolo" HTTP_END),
	                       "HTTP/1.1 404"));
	a = http_ask(toll_http_server_port(s), "DELETE /hello" HTTP_END);
	assert_non_null(strstr(a, "HTTP/1.1 405"));
	assert_non_null(strstr(a, "Allow: GET"));
	a = http_ask(toll_http_server_port(s), "HEAD /hello" HTTP_END);
	assert_non_null(strstr(a, "HTTP/1.1 200"));
	assert_null(strstr(a, "exact"));
	toll_http_server_free(s);
}

static void bodies_are_bounded(void **state TOLL_UNUSED)
{
	struct toll_http_settings set = { .max_body_bytes = 5 };
	struct toll_http_server *s = start(&set);

	assert_non_null(strstr(http_ask(toll_http_server_port(s),
	                                "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	                                "Content-Length: 5\r\n\r\n12345"),
	                       "\r\n\r\n12345"));
	assert_non_null(strstr(http_ask(toll_http_server_port(s),
	                                "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	                                "Content-Length: 6\r\n\r\n123456"),
	                       "HTTP/1.1 413"));
	toll_http_server_free(s);
	s = start(NULL);
	assert_non_null(strstr(http_ask(toll_http_server_port(s),
	                                "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	                                "Content-Length: 1\r\n\r\n1"),
	                       "HTTP/1.1 413"));
	toll_http_server_free(s);
}

static void long_headers_are_refused(void **state TOLL_UNUSED)
{
	static const char head[] = "GET /hello HTTP/1.1\r\nHost: x\r\nX: ";
	struct toll_http_server *s = start(NULL);
	char text[20000];
	int fd = http_dial(toll_http_server_port(s));

	memset(text, 'a', sizeof(text));
	memcpy(text, head, sizeof(head) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	assert_non_null(strstr(http_drain(fd), " 431 "));
	assert_non_null(
		strstr(http_ask(toll_http_server_port(s), "GET /hello" HTTP_END), "HTTP/1.1 200"));
	toll_http_server_free(s);
}

/* One byte every now and then must not hold a connection for longer than the header time-out. */
static void trickling_client_is_cut_off(void **state TOLL_UNUSED)
{
	struct toll_http_settings set = { .header_timeout_ns = 300 * TOLL_MS };
	struct toll_http_server *s = start(&set);
	uint64_t begin = toll_clock_mono_ns();
	int fd = http_dial(toll_http_server_port(s));

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char byte;

		if (send(fd, "G", 1, MSG_NOSIGNAL) < 0)
			break;
		if (poll(&p, 1, 50) == 1 && recv(fd, &byte, 1, 0) <= 0)
			break;
		assert_true(toll_clock_mono_ns() - begin < PATIENCE_NS);
	}
	close(fd);
	toll_http_server_free(s);
}

/* Whoever sits on all connections is dropped at the deadline; then others are served again. */
static void full_house_recovers(void **state TOLL_UNUSED)
{
	struct toll_http_settings set = { .header_timeout_ns = 300 * TOLL_MS,
		                          .max_connections = 4 };
	struct toll_http_server *s = start(&set);
	int idle[8];

	for (size_t i = 0; i < TOLL_COUNT(idle); i++)
		idle[i] = http_dial(toll_http_server_port(s));
	assert_non_null(
		strstr(http_ask(toll_http_server_port(s), "GET /hello" HTTP_END), "HTTP/1.1 200"));
	for (size_t i = 0; i < TOLL_COUNT(idle); i++)
		close(idle[i]);
	toll_http_server_free(s);
}

static void one_connection_serves_many(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	int fd = http_dial(toll_http_server_port(s));
	const char *a;

	http_put(fd, "GET /hello?who=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	http_put(fd, "GET /hello?who=2" HTTP_END);
	a = http_drain(fd);
	assert_non_null(strstr(a, "exact /hello 1 -"));
	assert_non_null(strstr(a, "exact /hello 2 t1"));
	toll_http_server_free(s);
}

static void stops_with_clients_connected(void **state TOLL_UNUSED)
{
	struct toll_http_settings set = { .header_timeout_ns = 10 * PATIENCE_NS };
	struct toll_http_server *s = start(&set);
	int fd = http_dial(toll_http_server_port(s));
	uint64_t begin = toll_clock_mono_ns();

	http_put(fd, "GET /hel");
	assert_null(toll_http_server_free(s));
	assert_true(toll_clock_mono_ns() - begin < PATIENCE_NS);
	assert_string_equal(http_drain(fd), "");
	assert_null(toll_http_server_free(NULL));
}

static void bad_endpoint_names_the_setting(void **state TOLL_UNUSED)
{
	struct toll_http_settings set = { .endpoint = "nowhere",
		                          .setting = "extensions::health_check::endpoint",
		                          .thread = "t" };
	struct toll_http_server *s = NULL;
	struct toll_error why = { 0 };

	assert_int_equal(toll_http_server_new(&set, &s, &why), TOLL_ECONFIG);
	assert_null(s);
	assert_non_null(strstr(why.text, set.setting));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_by_path_and_method),
		cmocka_unit_test(bodies_are_bounded),
		cmocka_unit_test(long_headers_are_refused),
		cmocka_unit_test(trickling_client_is_cut_off),
		cmocka_unit_test(full_house_recovers),
		cmocka_unit_test(one_connection_serves_many),
		cmocka_unit_test(stops_with_clients_connected),
		cmocka_unit_test(bad_endpoint_names_the_setting),
	};

	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
