/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server with a service behind it: bodies, answers from other threads, an orderly end. */
#include "net/http_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/support/http.h"

#define MIB   ((size_t)1 << 20)
#define LARGE (8 * MIB)

/* What the service does is in the path: /now, /later (another thread), /hold (until release()),
 * /refuse (with the headers). The answer is the number of bytes that came. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct toll_http_call *held[64];
static size_t held_count;
static atomic_size_t served;

static void answer(struct toll_http_call *c)
{
	const struct toll_http_request *q = toll_http_call_request(c);
	struct toll_http_response r = { .status = 200 };
	size_t *len = toll_http_call_data(c);

	if (q->error)
		r.status = q->error == TOLL_ETOOBIG ? 413 : 503;
	toll_http_printf(&r, "%zu bytes", *len);
	toll_http_answer(c, &r);
}

/* More than a socket holds: on its way until it is read. */
static void answer_large(struct toll_http_call *c)
{
	struct toll_http_response r = { .status = 200, .body = malloc(LARGE), .len = LARGE };

	assert_non_null(r.body);
	memset(r.body, 'y', LARGE);
	toll_http_answer(c, &r);
}

static void *answer_later(void *call)
{
	answer(call);
	return NULL;
}

static bool admit(void *ctx TOLL_UNUSED, struct toll_http_call *c, struct toll_http_response *r)
{
	const struct toll_http_request *q = toll_http_call_request(c);

	if (q->error)
		r->status = 413;
	else if (strcmp(q->path, "/refuse") == 0)
		r->status = 415;
	else
		return true;
	toll_http_printf(r, "refused");
	return false;
}

static void serve(void *ctx TOLL_UNUSED, struct toll_http_call *c)
{
	const struct toll_http_request *q = toll_http_call_request(c);
	pthread_t thread;

	atomic_fetch_add(&served, 1);
	*(size_t *)toll_http_call_data(c) = q->body.len;
	for (size_t i = 0; i < q->body.len; i++)
		assert_int_equal(q->body.ptr[i], 'x');
	if (strcmp(q->path, "/later") == 0) {
		assert_int_equal(toll_thread_start(&thread, "later", answer_later, c), 0);
		pthread_detach(thread);
	} else if (strcmp(q->path, "/hold") == 0) {
		pthread_mutex_lock(&lock);
		held[held_count++] = c;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
	} else if (strcmp(q->path, "/large") == 0) {
		answer_large(c);
	} else {
		toll_http_call_drop_body(c);
		answer(c);
	}
}

static void wait_held(size_t count)
{
	pthread_mutex_lock(&lock);
	while (held_count < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void release(void)
{
	pthread_mutex_lock(&lock);
	while (held_count)
		answer(held[--held_count]);
	pthread_mutex_unlock(&lock);
}

static const struct toll_http_service service = { admit, serve, NULL };
static struct toll_memory memory;

static struct toll_http_server *start(const struct toll_http_settings *changes)
{
	struct toll_http_settings set = changes ? *changes : (struct toll_http_settings){ 0 };
	struct toll_http_server *s = NULL;

	if (!set.endpoint)
		set.endpoint = "127.0.0.1:0";
	set.setting = "test";
	set.thread = "test-http";
	set.service = &service;
	set.call_size = sizeof(size_t);
	set.memory = &memory;
	if (!set.max_body_bytes)
		set.max_body_bytes = MIB;
	set.header_timeout_ns = PATIENCE_NS;
	if (!set.body_timeout_ns)
		set.body_timeout_ns = PATIENCE_NS;
	assert_int_equal(toll_http_server_new(&set, &s, NULL), 0);
	return s;
}

static void end(struct toll_http_server *s)
{
	assert_true(toll_http_server_stop(s, toll_clock_mono_ns() + PATIENCE_NS));
	toll_http_server_free(s);
	assert_int_equal(memory.used, 0);
}

static void put_xs(int fd, size_t count)
{
	static char xs[65536];

	memset(xs, 'x', sizeof(xs));
	while (count) {
		ssize_t n = send(fd, xs, count < sizeof(xs) ? count : sizeof(xs), MSG_NOSIGNAL);

		assert_true(n > 0);
		count -= (size_t)n;
	}
}

static void put_request(int fd, const char *path, size_t len, const char *headers)
{
	char head[256];

	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n",
	         path, len, headers);
	http_put(fd, head);
}

#define CLOSE "Connection: close\r\n"

static const char *post(uint16_t port, const char *path, size_t len)
{
	int fd = http_dial(port);

	put_request(fd, path, len, CLOSE);
	put_xs(fd, len);
	return http_drain(fd);
}

static void bodies_arrive_whole(void **state TOLL_UNUSED)
{
	static const size_t sizes[] = { 0, 1, 1000, 65536, 100000, MIB };
	static const char *const paths[] = { "/now", "/later" };
	struct toll_http_server *s = start(NULL);
	char want[32];

	for (size_t i = 0; i < TOLL_COUNT(sizes); i++)
		for (size_t p = 0; p < TOLL_COUNT(paths); p++) {
			snprintf(want, sizeof(want), "\r\n\r\n%zu bytes", sizes[i]);
			assert_non_null(
				strstr(post(toll_http_server_port(s), paths[p], sizes[i]), want));
		}
	end(s);
}

static void chunks_arrive_whole_and_are_bounded(void **state TOLL_UNUSED)
{
	static const struct toll_http_settings set = { .max_body_bytes = 10 };
	static const char head[] =
		"POST /now HTTP/1.1\r\nHost: x\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n";
	struct toll_http_server *s = start(&set);
	int fd = http_dial(toll_http_server_port(s));

	http_put(fd, head);
	http_put(fd, "4\r\nxxxx\r\n6\r\nxx");
	http_put(fd, "xxxx\r\n0\r\n\r\n");
	assert_non_null(strstr(http_drain(fd), "\r\n\r\n10 bytes"));
	fd = http_dial(toll_http_server_port(s));
	http_put(fd, head);
	http_put(fd, "4\r\nxxxx\r\n7\r\nxxxxxxx\r\n0\r\n\r\n");
	assert_non_null(strstr(http_drain(fd), " 413 "));
	end(s);
}

/* A client that never ends its chunks is cut off, whatever it was answered. */
static void endless_chunks_end(void **state TOLL_UNUSED)
{
	static const struct toll_http_settings set = { .max_body_bytes = 10 };
	static const char chunk[] = "400\r\n";
	char xs[1026];
	struct toll_http_server *s = start(&set);
	int fd = http_dial(toll_http_server_port(s));
	size_t sent = 0;

	memset(xs, 'x', 1024);
	memcpy(xs + 1024, "\r\n", 2);
	http_put(fd, "POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (send(fd, chunk, sizeof(chunk) - 1, MSG_NOSIGNAL) > 0 &&
	       send(fd, xs, sizeof(xs), MSG_NOSIGNAL) > 0)
		assert_true((sent += 1024) < 64 * MIB);
	close(fd);
	end(s);
}

static void too_long_is_told_before_it_is_sent(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	int fd = http_dial(toll_http_server_port(s));
	size_t before = served;

	put_request(fd, "/now", MIB + 1, "");
	assert_non_null(strstr(http_drain(fd), " 413 "));
	assert_int_equal(served, before);
	end(s);
}

/* Unread bytes must not reset the connection before the answer is read. */
static void too_long_is_told_to_those_who_send_it_all(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);

	for (int i = 0; i < 5; i++)
		assert_non_null(strstr(post(toll_http_server_port(s), "/now", 8 * MIB), " 413 "));
	end(s);
}

static void a_refusal_waits_for_the_body_and_keeps_the_connection(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	int fd = http_dial(toll_http_server_port(s));
	const char *a;

	put_request(fd, "/refuse", 500000, "");
	put_xs(fd, 500000);
	put_request(fd, "/now", 3, CLOSE);
	put_xs(fd, 3);
	a = http_drain(fd);
	assert_non_null(strstr(a, " 415 "));
	assert_non_null(strstr(a, "\r\n\r\n3 bytes"));
	end(s);
}

static void expect_continue_is_answered(void **state TOLL_UNUSED)
{
	static const char expect[] = "Expect: 100-continue\r\n" CLOSE;
	struct toll_http_server *s = start(NULL);
	int fd = http_dial(toll_http_server_port(s));
	char line[25] = "";

	put_request(fd, "/now", 4, expect);
	assert_int_equal(recv(fd, line, 24, MSG_WAITALL), 24);
	assert_non_null(strstr(line, "100 Continue"));
	put_xs(fd, 4);
	assert_non_null(strstr(http_drain(fd), "4 bytes"));
	fd = http_dial(toll_http_server_port(s));
	put_request(fd, "/refuse", 4, expect);
	assert_non_null(strstr(http_drain(fd), " 415 ")); /* without the body */
	end(s);
}

static void without_room_the_client_hears_so(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);

	memory.limit = 100000;
	assert_non_null(strstr(post(toll_http_server_port(s), "/now", 200000), " 503 "));
	assert_int_equal(memory.used, 0);
	assert_non_null(strstr(post(toll_http_server_port(s), "/now", 100000), "100000 bytes"));
	memory.limit = 0;
	end(s);
}

/* The client sees the end a little before the server counts it. */
static void wait_lost(struct toll_http_server *s)
{
	uint64_t end_ns = toll_clock_mono_ns() + PATIENCE_NS;

	while (toll_http_server_counts(s)->lost != 1)
		assert_true(toll_clock_mono_ns() < end_ns);
}

/* Much is announced, little comes: only what came is held. */
static void an_announced_body_holds_nothing(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	int fd = http_dial(toll_http_server_port(s));
	uint64_t end_ns = toll_clock_mono_ns() + PATIENCE_NS;

	put_request(fd, "/now", MIB, "");
	put_xs(fd, 10);
	while (atomic_load(&memory.used) == 0)
		assert_true(toll_clock_mono_ns() < end_ns);
	assert_true(memory.used <= 65536);
	close(fd);
	while (atomic_load(&memory.used) != 0)
		assert_true(toll_clock_mono_ns() < end_ns);
	wait_lost(s);
	end(s);
}

static void a_slow_body_is_cut_off(void **state TOLL_UNUSED)
{
	static const struct toll_http_settings set = { .body_timeout_ns = 300 * TOLL_MS };
	struct toll_http_server *s = start(&set);
	uint64_t begin = toll_clock_mono_ns();
	int fd = http_dial(toll_http_server_port(s));

	put_request(fd, "/now", 100000, "");
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (send(fd, "x", 1, MSG_NOSIGNAL) < 0 || poll(&p, 1, 50) == 1)
			break;
		assert_true(toll_clock_mono_ns() - begin < PATIENCE_NS);
	}
	assert_string_equal(http_drain(fd), "");
	wait_lost(s);
	end(s);
}

static void many_at_once_on_several_workers(void **state TOLL_UNUSED)
{
	static const struct toll_http_settings set = { .workers = 3, .max_connections = 60 };
	struct toll_http_server *s = start(&set);
	int fds[30];

	for (size_t i = 0; i < TOLL_COUNT(fds); i++) {
		fds[i] = http_dial(toll_http_server_port(s));
		put_request(fds[i], i % 2 ? "/hold" : "/later", 1000, CLOSE);
		put_xs(fds[i], 1000);
	}
	wait_held(TOLL_COUNT(fds) / 2);
	release();
	for (size_t i = 0; i < TOLL_COUNT(fds); i++)
		assert_non_null(strstr(http_drain(fds[i]), "1000 bytes"));
	end(s);
}

static void *stop_in_time(void *server)
{
	return toll_http_server_stop(server, toll_clock_mono_ns() + PATIENCE_NS) ? server : NULL;
}

/* Not when the worker looks around by itself, twice a second. */
static void a_late_answer_goes_out_at_once(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	uint64_t fastest = UINT64_MAX;
	char answered[512];

	for (int i = 0; i < 5; i++) {
		int fd = http_dial(toll_http_server_port(s));
		uint64_t began;

		put_request(fd, "/hold", 0, "");
		wait_held(1);
		began = toll_clock_mono_ns();
		release();
		assert_true(recv(fd, answered, sizeof(answered), 0) > 0);
		began = toll_clock_mono_ns() - began;
		if (began < fastest)
			fastest = began;
		close(fd);
	}
	assert_in_range(fastest, 0, 100 * TOLL_MS);
	end(s);
}

static void stop_waits_for_answers(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	int idle = http_dial(toll_http_server_port(s)), fd = http_dial(toll_http_server_port(s));
	const char *a;
	pthread_t thread;
	void *done;

	put_request(fd, "/hold", 5, "");
	put_xs(fd, 5);
	wait_held(1);
	assert_int_equal(pthread_create(&thread, NULL, stop_in_time, s), 0);
	assert_string_equal(http_drain(idle), ""); /* without waiting for the other */
	release();
	a = http_drain(fd);
	assert_non_null(strstr(a, "5 bytes"));
	assert_non_null(strstr(a, "Connection: close"));
	pthread_join(thread, &done);
	assert_ptr_equal(done, s);
	toll_http_server_free(s);
}

/* However slow the machine is. */
static const struct toll_http_settings long_quiet = { .quiet_ns = PATIENCE_NS };

static void who_sends_while_it_closes_is_answered(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(&long_quiet);
	int fd = http_dial(toll_http_server_port(s));
	const char *a;

	put_request(fd, "/later", 4, "");
	put_xs(fd, 4);
	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, PATIENCE_MS), 1);
	toll_http_server_close(s);
	put_request(fd, "/now", 3, "");
	put_xs(fd, 3);
	a = http_drain(fd);
	assert_non_null(strstr(a, "4 bytes"));
	assert_non_null(strstr(strstr(a, "4 bytes"), "Connection: close"));
	assert_non_null(strstr(a, "3 bytes"));
	end(s);
}

static void read_large(int fd)
{
	static char buf[65536];
	size_t ys = 0;

	while (ys < LARGE) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			ys += buf[i] == 'y';
	}
}

/* The answer on its way when it closes could not say that its connection ends. */
static void who_sends_after_such_an_answer_is_answered(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(&long_quiet);
	int fd = http_dial(toll_http_server_port(s));
	const char *a;

	put_request(fd, "/large", 1, "");
	put_xs(fd, 1);
	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, PATIENCE_MS), 1);
	toll_http_server_close(s);
	poll(NULL, 0, 50); /* its thread has seen it */
	read_large(fd);
	put_request(fd, "/now", 3, "");
	put_xs(fd, 3);
	a = http_drain(fd);
	assert_non_null(strstr(a, "Connection: close"));
	assert_non_null(strstr(a, "3 bytes"));
	end(s);
}

static void what_is_owed_at_the_deadline_is_told(void **state TOLL_UNUSED)
{
	struct toll_http_server *s = start(NULL);
	int fd = http_dial(toll_http_server_port(s));

	put_request(fd, "/hold", 5, "");
	put_xs(fd, 5);
	wait_held(1);
	assert_false(toll_http_server_stop(s, toll_clock_mono_ns() + 100 * TOLL_MS));
	assert_string_equal(http_drain(fd), "");
	release();
	end(s);
}

static int dial_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void unix_sockets_are_served_and_removed(void **state TOLL_UNUSED)
{
	char dir[] = "/tmp/toll-http-XXXXXX", endpoint[64];
	struct toll_http_settings set = { .endpoint = endpoint };
	struct toll_http_server *s, *other = NULL;
	struct toll_error why = { 0 };
	struct stat st;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(endpoint, sizeof(endpoint), "unix:%s/otlp", dir);
	s = start(&set);
	fd = dial_path(endpoint + 5);
	put_request(fd, "/later", 7, CLOSE);
	put_xs(fd, 7);
	assert_non_null(strstr(http_drain(fd), "7 bytes"));
	set.setting = "here";
	set.thread = "x";
	assert_int_equal(toll_http_server_new(&set, &other, &why), TOLL_EFULL);
	assert_non_null(strstr(why.text, "here"));
	end(s);
	assert_int_equal(stat(endpoint + 5, &st), -1);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_arrive_whole),
		cmocka_unit_test(chunks_arrive_whole_and_are_bounded),
		cmocka_unit_test(endless_chunks_end),
		cmocka_unit_test(too_long_is_told_before_it_is_sent),
		cmocka_unit_test(too_long_is_told_to_those_who_send_it_all),
		cmocka_unit_test(a_refusal_waits_for_the_body_and_keeps_the_connection),
		cmocka_unit_test(expect_continue_is_answered),
		cmocka_unit_test(without_room_the_client_hears_so),
		cmocka_unit_test(an_announced_body_holds_nothing),
		cmocka_unit_test(a_slow_body_is_cut_off),
		cmocka_unit_test(many_at_once_on_several_workers),
		cmocka_unit_test(a_late_answer_goes_out_at_once),
		cmocka_unit_test(stop_waits_for_answers),
		cmocka_unit_test(who_sends_while_it_closes_is_answered),
		cmocka_unit_test(who_sends_after_such_an_answer_is_answered),
		cmocka_unit_test(what_is_owed_at_the_deadline_is_told),
		cmocka_unit_test(unix_sockets_are_served_and_removed),
	};

	return cmocka_run_group_tests_name("http_service", tests, NULL, NULL);
}
