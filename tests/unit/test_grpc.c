/* SPDX-License-Identifier: Apache-2.0 */
/* Server and client of net/ against each other. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/grpc_client.h"
#include "net/grpc_server.h"

enum { UNIMPLEMENTED = 12, UNAVAILABLE = 14, DEADLINE = 4, EXHAUSTED = 8, CANCELLED = 1 };

#define LIMIT ((size_t)64 * 1024)

static void echo(void *ctx, struct toll_grpc_call *call)
{
	size_t size = toll_grpc_call_size(call);
	char *bytes = malloc(size + 1);
	struct toll_grpc_answer a = { .response = { bytes, size } };
	char peer[64];

	(void)ctx;
	assert_non_null(bytes);
	toll_grpc_call_peer(call, peer, sizeof(peer));
	assert_memory_equal(peer, "127.0.0.1:", 10);
	assert_int_equal(toll_grpc_call_encoding(call), TOLL_GRPC_IDENTITY);
	toll_grpc_call_take(call, bytes);
	toll_grpc_answer(call, &a);
	free(bytes);
}

static void refuse(void *ctx, struct toll_grpc_call *call)
{
	struct toll_grpc_answer a = { .status = UNAVAILABLE,
		                      .message = "try later",
		                      .details = TOLL_SLICE("\0\1details") };

	(void)ctx;
	toll_grpc_answer(call, &a);
}

/* First bytes of what arrives compressed. */
static void describe(void *ctx, struct toll_grpc_call *call)
{
	unsigned char bytes[LIMIT];
	enum toll_grpc_encoding encoding;
	char text[64];
	int len;

	(void)ctx;
	encoding = toll_grpc_call_encoding(call);
	toll_grpc_call_take(call, (char *)bytes);
	len = snprintf(text, sizeof(text), "%d %02x%02x", encoding, bytes[0], bytes[1]);
	toll_grpc_answer(call, &(struct toll_grpc_answer){ .response = { text, (size_t)len } });
}

static void *answer_later(void *data)
{
	usleep(2000);
	toll_grpc_answer(toll_grpc_call_of(data),
	                 &(struct toll_grpc_answer){ .response = TOLL_SLICE("later") });
	return NULL;
}

static void later(void *ctx, struct toll_grpc_call *call)
{
	pthread_t t;

	(void)ctx;
	memset(toll_grpc_call_data(call), 1, 32);
	assert_int_equal(pthread_create(&t, NULL, answer_later, toll_grpc_call_data(call)), 0);
	pthread_detach(t);
}

static struct toll_grpc_call *_Atomic held;

static void hold(void *ctx, struct toll_grpc_call *call)
{
	(void)ctx;
	atomic_store(&held, call);
}

static const struct toll_grpc_method methods[] = {
	{ "/test.Test/Echo", echo, NULL },   { "/test.Test/Fail", refuse, NULL },
	{ "/test.Test/Later", later, NULL }, { "/test.Test/Describe", describe, NULL },
	{ "/test.Test/Hold", hold, NULL },
};

static struct toll_grpc_server_settings settings(const char *endpoint)
{
	return (struct toll_grpc_server_settings){ .endpoint = endpoint,
		                                   .setting = "receivers::otlp::endpoint",
		                                   .thread = "toll-test",
		                                   .methods = methods,
		                                   .method_count = TOLL_COUNT(methods),
		                                   .workers = 2,
		                                   .call_size = 32,
		                                   .max_message_bytes = LIMIT };
}

static struct toll_grpc_server *start_server(const char *endpoint)
{
	struct toll_grpc_server_settings set = settings(endpoint);
	struct toll_grpc_server *s = NULL;
	struct toll_error why = { 0 };

	if (toll_grpc_server_new(&set, &s, &why) < 0)
		fail_msg("%s", why.text);
	return s;
}

static struct toll_grpc_client *start_client(const char *target, bool gzip)
{
	struct toll_grpc_client_settings set = { .target = target,
		                                 .gzip = gzip,
		                                 .wait_for_ready = true };
	struct toll_grpc_client *c = NULL;

	assert_int_equal(toll_grpc_client_new(&set, &c, NULL), 0);
	return c;
}

struct fixture {
	struct toll_grpc_server *server;
	struct toll_grpc_client *client;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->server = start_server("127.0.0.1:0");
	f->client = start_client(toll_grpc_server_address(f->server), false);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	toll_grpc_client_free(f->client);
	assert_true(toll_grpc_server_stop(f->server, toll_clock_mono_ns() + PATIENCE_NS));
	toll_grpc_server_free(f->server);
	free(f);
	return 0;
}

static int ask(struct fixture *f, const char *method, struct toll_slice request, char *text,
               size_t size)
{
	return toll_grpc_client_call(f->client, method, request, PATIENCE_NS, text, size);
}

struct expect {
	struct toll_slice response, details;
	int status;
	atomic_int times;
};

static void compare(void *ctx, const struct toll_grpc_reply *r)
{
	struct expect *e = ctx;

	assert_int_equal(r->status, e->status);
	assert_true(toll_slice_eq(r->response, e->response));
	assert_true(toll_slice_eq(r->details, e->details));
	atomic_fetch_add(&e->times, 1);
}

static void await(atomic_int *n, int want)
{
	EVENTUALLY(atomic_load(n) >= want);
	assert_int_equal(atomic_load(n), want);
}

static void messages_come_back_in_any_size(void **state)
{
	struct fixture *f = *state;
	static char bytes[LIMIT];
	struct expect e = { 0 };

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31);
	for (size_t size = 0; size <= LIMIT; size = size * 2 + 1) {
		e.response = toll_slice(bytes, size);
		atomic_store(&e.times, 0);
		assert_int_equal(toll_grpc_client_start(f->client, "/test.Test/Echo", e.response,
		                                        PATIENCE_NS, compare, &e),
		                 0);
		await(&e.times, 1);
	}
}

static void status_message_and_details_arrive(void **state)
{
	struct fixture *f = *state;
	struct expect e = { .status = UNAVAILABLE, .details = TOLL_SLICE("\0\1details") };
	char text[64];

	assert_int_equal(ask(f, "/test.Test/Fail", TOLL_SLICE("x"), text, sizeof(text)),
	                 UNAVAILABLE);
	assert_string_equal(text, "try later");
	assert_int_equal(toll_grpc_client_start(f->client, "/test.Test/Fail", TOLL_SLICE("x"),
	                                        PATIENCE_NS, compare, &e),
	                 0);
	await(&e.times, 1);
}

static void unknown_methods_are_answered_at_once(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(f, "/test.Test/None", TOLL_SLICE("x"), NULL, 0),
		                 UNIMPLEMENTED);
	assert_int_equal(toll_grpc_server_counts(f->server)->unknown_methods, 100);
}

static void a_message_over_the_limit_is_refused_and_the_next_one_served(void **state)
{
	struct fixture *f = *state;
	static char bytes[LIMIT + 1];
	char text[128];

	assert_int_equal(
		ask(f, "/test.Test/Echo", toll_slice(bytes, sizeof(bytes)), text, sizeof(text)),
		EXHAUSTED);
	assert_non_null(strstr(text, "larger than max"));
	assert_int_equal(ask(f, "/test.Test/Echo", toll_slice(bytes, LIMIT), NULL, 0), 0);
	EVENTUALLY(toll_grpc_server_counts(f->server)->lost == 1); /* after its answer */
}

static void answers_come_from_any_thread_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct expect later_ = { .response = TOLL_SLICE("later") };
	struct expect echo_ = { .response = TOLL_SLICE("now") };

	for (int i = 0; i < 200; i++) {
		assert_int_equal(toll_grpc_client_start(f->client, "/test.Test/Later",
		                                        TOLL_SLICE(""), PATIENCE_NS, compare,
		                                        &later_),
		                 0);
		assert_int_equal(toll_grpc_client_start(f->client, "/test.Test/Echo",
		                                        TOLL_SLICE("now"), PATIENCE_NS, compare,
		                                        &echo_),
		                 0);
	}
	await(&later_.times, 200);
	await(&echo_.times, 200);
	/* A call counts until its callback has returned. */
	EVENTUALLY(toll_grpc_client_in_flight(f->client) == 0);
}

static void is_gzip(void *ctx, const struct toll_grpc_reply *r)
{
	assert_int_equal(r->status, 0);
	assert_true(toll_slice_is(r->response, "1 1f8b"));
	atomic_fetch_add((atomic_int *)ctx, 1);
}

/* A gzip bomb must not be inflated before the size check: we see what was sent. */
static void compressed_messages_arrive_as_they_were_sent(void **state)
{
	struct fixture *f = *state;
	static char zeros[LIMIT * 8];
	struct toll_grpc_client *c = start_client(toll_grpc_server_address(f->server), true);
	atomic_int times = 0;

	assert_int_equal(toll_grpc_client_start(c, "/test.Test/Describe",
	                                        toll_slice(zeros, sizeof(zeros)), PATIENCE_NS,
	                                        is_gzip, &times),
	                 0);
	await(&times, 1);
	toll_grpc_client_free(c);
}

static void a_busy_port_is_an_error_that_names_the_setting(void **state)
{
	struct fixture *f = *state;
	struct toll_grpc_server_settings set = settings(toll_grpc_server_address(f->server));
	struct toll_grpc_server *s = NULL;
	struct toll_error why;

	assert_int_equal(toll_grpc_server_new(&set, &s, &why), TOLL_EFULL);
	assert_non_null(strstr(why.text, "receivers::otlp::endpoint"));
	assert_non_null(strstr(why.text, toll_grpc_server_address(f->server)));
	set.endpoint = "nonsense";
	assert_int_equal(toll_grpc_server_new(&set, &s, &why), TOLL_ECONFIG);
	set.endpoint = "unix:/does/not/exist/socket";
	assert_true(toll_grpc_server_new(&set, &s, &why) < 0);
}

static int connect_to(const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Preface, SETTINGS, HEADERS of stream 1 spelled out, then DATA with the first of two bytes. */
static const char half_a_message[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				     "\0\0\0\4\0\0\0\0\0"
				     "\0\0\x6d\1\4\0\0\0\1"
				     "\0\7:method\4POST"
				     "\0\7:scheme\4http"
				     "\0\5:path\17/test.Test/Echo"
				     "\0\12:authority\1x"
				     "\0\2te\10trailers"
				     "\0\14content-type\20application/grpc"
				     "\0\0\6\0\0\0\0\0\1"
				     "\0\0\0\0\2x";

static void a_message_that_does_not_arrive_is_given_up(void **state)
{
	struct toll_grpc_server_settings set = settings("127.0.0.1:0");
	struct toll_grpc_server *s = NULL;
	char seen[4096];
	ssize_t n = 0, more = 0;
	int fd;

	(void)state;
	set.message_timeout_ns = TOLL_S / 10;
	assert_int_equal(toll_grpc_server_new(&set, &s, NULL), 0);
	fd = connect_to(toll_grpc_server_address(s));
	assert_int_equal(write(fd, half_a_message, sizeof(half_a_message) - 1),
	                 sizeof(half_a_message) - 1);
	do {
		n += more;
		more = read(fd, seen + n, sizeof(seen) - (size_t)n);
	} while (more > 0 && !memmem(seen, (size_t)(n + more), "grpc-status", 11));
	assert_true(more > 0);
	assert_non_null(memmem(seen, (size_t)(n + more), "grpc-status\0014", 13));
	assert_int_equal(toll_grpc_server_counts(s)->overdue, 1);
	close(fd);
	assert_true(toll_grpc_server_stop(s, toll_clock_mono_ns() + PATIENCE_NS));
	toll_grpc_server_free(s);
}

/* As above, but the client's SETTINGS grant no window and the message is whole. */
static const char no_window[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				"\0\0\6\4\0\0\0\0\0\0\4\0\0\0\0"
				"\0\0\0\4\1\0\0\0\0"
				"\0\0\x6d\1\4\0\0\0\1"
				"\0\7:method\4POST"
				"\0\7:scheme\4http"
				"\0\5:path\17/test.Test/Echo"
				"\0\12:authority\1x"
				"\0\2te\10trailers"
				"\0\14content-type\20application/grpc"
				"\0\0\6\0\1\0\0\0\1"
				"\0\0\0\0\1x";

/* The stream's own end: RST_STREAM, or HEADERS with END_STREAM. */
static bool stream_ended(const unsigned char *seen, size_t n)
{
	for (size_t at = 0; at + 9 <= n;) {
		if (seen[at + 3] == 3 || (seen[at + 3] == 1 && (seen[at + 4] & 1)))
			return true;
		at += 9 + ((size_t)seen[at] << 16 | (size_t)seen[at + 1] << 8 | seen[at + 2]);
	}
	return false;
}

static void an_answer_that_is_not_read_is_given_up(void **state)
{
	struct toll_grpc_server_settings set = settings("127.0.0.1:0");
	struct toll_grpc_server *s = NULL;
	unsigned char seen[4096];
	size_t n = 0;
	int fd;

	(void)state;
	set.answer_timeout_ns = TOLL_S / 10;
	assert_int_equal(toll_grpc_server_new(&set, &s, NULL), 0);
	fd = connect_to(toll_grpc_server_address(s));
	assert_int_equal(write(fd, no_window, sizeof(no_window) - 1), sizeof(no_window) - 1);
	while (!stream_ended(seen, n)) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		ssize_t more;

		assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
		more = read(fd, seen + n, sizeof(seen) - n);
		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_int_equal(toll_grpc_server_counts(s)->unread, 1);
	/* Nothing is left inside, although the connection is still there. */
	assert_true(toll_grpc_server_stop(s, toll_clock_mono_ns() + PATIENCE_NS));
	close(fd);
	toll_grpc_server_free(s);
}

static void end_server(struct toll_grpc_server *s)
{
	assert_true(toll_grpc_server_stop(s, toll_clock_mono_ns() + PATIENCE_NS));
	toll_grpc_server_free(s);
}

static int ask_once(const char *endpoint)
{
	struct toll_grpc_client *c = start_client(endpoint, false);
	int status =
		toll_grpc_client_call(c, "/test.Test/Later", TOLL_SLICE(""), PATIENCE_NS, NULL, 0);

	toll_grpc_client_free(c);
	return status;
}

/* As a reload does it: the next one is there before the old one ends, or fails after all. */
static void unix_sockets_go_from_server_to_server(void **state)
{
	char dir[] = "/tmp/toll-grpc-XXXXXX", endpoint[64];
	struct toll_grpc_server *s, *next;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(endpoint, sizeof(endpoint), "unix:%s/otlp", dir);
	s = start_server(endpoint);
	assert_string_equal(toll_grpc_server_address(s), endpoint);
	assert_int_equal(ask_once(endpoint), 0);
	end_server(start_server(endpoint));
	assert_int_equal(ask_once(endpoint), 0);
	for (int i = 0; i < 3; i++) {
		next = start_server(endpoint);
		end_server(s);
		s = next;
		assert_int_equal(ask_once(endpoint), 0);
	}
	end_server(s);
	assert_int_equal(rmdir(dir), 0); /* nothing is left */
}

static void await_held(void)
{
	EVENTUALLY(atomic_load(&held));
}

static void *answer_held(void *arg)
{
	(void)arg;
	usleep(50000);
	toll_grpc_answer(atomic_exchange(&held, NULL), &(struct toll_grpc_answer){ 0 });
	return NULL;
}

static void stop_waits_for_what_is_inside(void **state)
{
	struct toll_grpc_server *s = start_server("localhost:0");
	struct toll_grpc_client *c = start_client(toll_grpc_server_address(s), false);
	struct expect e = { 0 };
	pthread_t t;

	(void)state;
	assert_int_equal(toll_grpc_client_start(c, "/test.Test/Hold", TOLL_SLICE(""), PATIENCE_NS,
	                                        compare, &e),
	                 0);
	await_held();
	assert_int_equal(pthread_create(&t, NULL, answer_held, NULL), 0);
	assert_true(toll_grpc_server_stop(s, toll_clock_mono_ns() + PATIENCE_NS));
	await(&e.times, 1);
	pthread_join(t, NULL);
	toll_grpc_server_free(s);
	toll_grpc_client_free(c);
}

static void cancelled(void *ctx, const struct toll_grpc_reply *r)
{
	assert_int_not_equal(r->status, 0);
	atomic_fetch_add((atomic_int *)ctx, 1);
}

static void stop_cancels_at_the_deadline_and_tells_who_still_owes(void **state)
{
	struct toll_grpc_server *s = start_server("localhost:0");
	struct toll_grpc_client *c = start_client(toll_grpc_server_address(s), false);
	atomic_int times = 0;

	(void)state;
	assert_int_equal(toll_grpc_client_start(c, "/test.Test/Hold", TOLL_SLICE(""), PATIENCE_NS,
	                                        cancelled, &times),
	                 0);
	await_held();
	assert_false(toll_grpc_server_stop(s, toll_clock_mono_ns() + TOLL_S / 20));
	await(&times, 1);
	toll_grpc_answer(atomic_exchange(&held, NULL), &(struct toll_grpc_answer){ 0 });
	assert_true(toll_grpc_server_stop(s, toll_clock_mono_ns() + PATIENCE_NS));
	toll_grpc_server_free(s);
	toll_grpc_client_free(c);
}

static void calls_end_when_the_client_is_freed_or_nobody_listens(void **state)
{
	struct toll_grpc_client *c = start_client("127.0.0.1:1", false);
	atomic_int times = 0;

	(void)state;
	assert_int_equal(
		toll_grpc_client_call(c, "/test.Test/Echo", TOLL_SLICE(""), TOLL_S / 20, NULL, 0),
		DEADLINE);
	for (int i = 0; i < 10; i++)
		assert_int_equal(toll_grpc_client_start(c, "/test.Test/Echo", TOLL_SLICE(""),
		                                        PATIENCE_NS, cancelled, &times),
		                 0);
	toll_grpc_client_free(c);
	assert_int_equal(atomic_load(&times), 10);
}

/* New certificates, say: what is in flight stays on its connection. */
static void reopening_moves_new_calls_and_leaves_those_in_flight(void **state)
{
	struct fixture *f = *state;
	struct toll_grpc_server *other = start_server("127.0.0.1:0");
	struct toll_grpc_client_settings there = { .target = toll_grpc_server_address(other) };
	struct expect e = { 0 };

	assert_int_equal(toll_grpc_client_start(f->client, "/test.Test/Hold", TOLL_SLICE(""),
	                                        PATIENCE_NS, compare, &e),
	                 0);
	await_held();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(toll_grpc_client_reopen(f->client, &there), 0);
		assert_int_equal(ask(f, "/test.Test/None", TOLL_SLICE("x"), NULL, 0),
		                 UNIMPLEMENTED);
		assert_int_equal(toll_grpc_server_counts(other)->unknown_methods, i + 1);
		if (i == 0) {
			toll_grpc_answer(atomic_exchange(&held, NULL),
			                 &(struct toll_grpc_answer){ 0 });
			await(&e.times, 1);
		}
	}
	assert_int_equal(toll_grpc_server_counts(f->server)->unknown_methods, 0);
	assert_true(toll_grpc_server_stop(other, toll_clock_mono_ns() + PATIENCE_NS));
	toll_grpc_server_free(other);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_come_back_in_any_size),
		TEST(status_message_and_details_arrive),
		TEST(unknown_methods_are_answered_at_once),
		TEST(a_message_over_the_limit_is_refused_and_the_next_one_served),
		TEST(answers_come_from_any_thread_in_any_order),
		TEST(compressed_messages_arrive_as_they_were_sent),
		TEST(reopening_moves_new_calls_and_leaves_those_in_flight),
		TEST(a_busy_port_is_an_error_that_names_the_setting),
		cmocka_unit_test(a_message_that_does_not_arrive_is_given_up),
		cmocka_unit_test(an_answer_that_is_not_read_is_given_up),
		cmocka_unit_test(unix_sockets_go_from_server_to_server),
		cmocka_unit_test(stop_waits_for_what_is_inside),
		cmocka_unit_test(stop_cancels_at_the_deadline_and_tells_who_still_owes),
		cmocka_unit_test(calls_end_when_the_client_is_freed_or_nobody_listens),
	};

	return cmocka_run_group_tests_name("grpc", tests, NULL, NULL);
}
