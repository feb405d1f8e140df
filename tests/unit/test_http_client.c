/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/unit/unit.h"

/* Answers every connection with these bytes, then waits for the client to go. */
struct peer {
	const char *answer;
	size_t len;
	int fd;
	unsigned port;
	pthread_t thread;
	char asked[1024]; /* the last request */
};

static void *serve(void *arg)
{
	struct peer *p = arg;
	char rest[4096];
	int fd;

	while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
		ssize_t asked = recv(fd, rest, sizeof(rest), 0);

		if (asked > 0)
			snprintf(p->asked, sizeof(p->asked), "%.*s", (int)asked, rest);
		if (asked > 0 && p->len) {
			send(fd, p->answer, p->len, MSG_NOSIGNAL);
			shutdown(fd, SHUT_WR);
		}
		while (recv(fd, rest, sizeof(rest), 0) > 0)
			;
		close(fd);
	}
	return NULL;
}

static void peer_start(struct peer *p, const char *answer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	p->answer = answer;
	p->len = strlen(answer);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(p->fd, 8), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&a, &len), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(toll_thread_start(&p->thread, "peer", serve, p), 0);
}

static void peer_stop(struct peer *p)
{
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->fd);
}

struct got {
	int err;
	char body[256];
	size_t len;
	struct toll_error why;
	struct toll_http_refusal refusal;
};

static struct got get_within(uint64_t timeout_ns, const char *answer, const atomic_bool *abort)
{
	struct got got = { 0 };
	struct peer peer;
	char url[64], *body;
	struct toll_http_get get = { .url = url,
		                     .timeout_ns = timeout_ns,
		                     .max_bytes = 10,
		                     .abort = abort,
		                     .refusal = &got.refusal };

	peer_start(&peer, answer);
	snprintf(url, sizeof(url), "http://u:secret@127.0.0.1:%u/prices", peer.port);
	got.err = toll_http_get(&get, &body, &got.len, &got.why);
	if (got.err == 0) {
		assert_int_equal(strlen(body), got.len);
		snprintf(got.body, sizeof(got.body), "%s", body);
		free(body);
	} else {
		assert_null(strstr(got.why.text, "secret"));
		assert_non_null(strstr(got.why.text, "127.0.0.1"));
	}
	peer_stop(&peer);
	return got;
}

static struct got get_of(const char *answer)
{
	return get_within(PATIENCE_NS, answer, NULL);
}

static void a_good_answer_is_its_body(void **state TOLL_UNUSED)
{
	struct got got = get_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

	assert_int_equal(got.err, 0);
	assert_string_equal(got.body, "hello");
	got = get_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	             "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
	assert_int_equal(got.err, 0);
	assert_string_equal(got.body, "hello");
	got = get_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(got.err, 0);
	assert_int_equal(got.len, 0);
	got = get_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
	assert_int_equal(got.err, 0);
}

static struct got ask_again(const char *answer, struct toll_http_etag *etag)
{
	struct got got = { 0 };
	struct peer peer;
	char url[64], *body = NULL;
	struct toll_http_get get = {
		.url = url, .timeout_ns = PATIENCE_NS, .max_bytes = 10, .etag = etag
	};

	peer_start(&peer, answer);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/prices", peer.port);
	got.err = toll_http_get(&get, &body, &got.len, &got.why);
	snprintf(got.body, sizeof(got.body), "%s", body ? body : "(none)");
	free(body);
	peer_stop(&peer);
	return got;
}

static void an_etag_is_kept_and_304_means_the_same_again(void **state TOLL_UNUSED)
{
	static const char not_modified[] = "HTTP/1.1 304 Same\r\nETag: \"a\"\r\n\r\n";
	struct toll_http_etag etag = { .text = "" };
	struct got got = ask_again(not_modified, &etag);

	assert_int_equal(got.err, TOLL_EREFUSED); /* we had not asked with one */
	got = ask_again("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 2\r\n\r\nhi", &etag);
	assert_int_equal(got.err, 0);
	assert_false(etag.unchanged);
	assert_string_equal(etag.text, "\"a\"");
	got = ask_again(not_modified, &etag);
	assert_int_equal(got.err, 0);
	assert_true(etag.unchanged);
	assert_string_equal(etag.text, "\"a\"");
	assert_string_equal(got.body, "(none)");
	got = ask_again("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho", &etag);
	assert_int_equal(got.err, 0);
	assert_false(etag.unchanged);
	assert_string_equal(etag.text, "");
}

static void half_an_answer_is_none(void **state TOLL_UNUSED)
{
	assert_int_equal(get_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").err,
	                 TOLL_EDOWN);
	assert_int_equal(
		get_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n").err,
		TOLL_EDOWN);
	assert_int_equal(get_of("garbage").err, TOLL_EREFUSED);
}

static void other_statuses_are_refused(void **state TOLL_UNUSED)
{
	struct got got = get_of("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno");

	assert_int_equal(got.err, TOLL_EREFUSED);
	assert_non_null(strstr(got.why.text, "status 500"));
	assert_int_equal(got.refusal.status, 500);
	assert_string_equal(got.refusal.text, "no");
	assert_int_equal(get_of("HTTP/1.1 204 Empty\r\n\r\n").err, TOLL_EREFUSED);
}

static void of_a_refusal_the_beginning_is_kept_and_no_more_waited_for(void **state TOLL_UNUSED)
{
	const size_t room = sizeof(((struct toll_http_refusal *)NULL)->text);
	char answer[4096] = "HTTP/1.1 403 No\r\nContent-Length: 99999\r\n\r\n";
	size_t head = strlen(answer);
	struct got got;

	memset(answer + head, 'x', 2 * room);
	got = get_of(answer);
	assert_int_equal(got.err, TOLL_EREFUSED);
	assert_int_equal(got.refusal.status, 403);
	assert_int_equal(strlen(got.refusal.text), room - 1);
	assert_int_equal(get_of("garbage").refusal.status, 0);
}

static void another_method_carries_its_body_and_is_not_sent_on(void **state TOLL_UNUSED)
{
	struct peer peer;
	struct toll_error why;
	char url[64], *body;
	size_t len;
	struct toll_http_get put = { .url = url,
		                     .timeout_ns = PATIENCE_NS,
		                     .max_bytes = 10,
		                     .method = "PUT",
		                     .content = "{\"on\":true}",
		                     .bearer = "secret",
		                     .no_proxy = true };

	peer_start(&peer, "HTTP/1.1 307 Go\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1/kill", peer.port);
	assert_int_equal(toll_http_get(&put, &body, &len, &why), TOLL_EREFUSED);
	peer_stop(&peer);
	assert_non_null(strstr(why.text, "status 307"));
	assert_memory_equal(peer.asked, "PUT /v1/kill HTTP/1.1\r\n", 23);
	assert_non_null(strstr(peer.asked, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(peer.asked, "Authorization: Bearer secret\r\n"));
	assert_non_null(strstr(peer.asked, "\r\n\r\n{\"on\":true}"));
}

static void redirects_end_and_stay_with_http(void **state TOLL_UNUSED)
{
	assert_int_equal(
		get_of("HTTP/1.1 302 Go\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n").err,
		TOLL_EREFUSED);
	assert_int_equal(get_of("HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\n"
	                        "Content-Length: 0\r\n\r\n")
	                         .err,
	                 TOLL_EREFUSED);
}

static void bodies_are_bounded(void **state TOLL_UNUSED)
{
	assert_int_equal(get_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890").err,
	                 TOLL_ETOOBIG);
	assert_int_equal(get_of("HTTP/1.1 200 OK\r\n\r\n01234567890").err, TOLL_ETOOBIG);
}

static void waiting_is_bounded(void **state TOLL_UNUSED)
{
	uint64_t start = toll_clock_mono_ns();

	assert_int_equal(get_within(300 * TOLL_MS, "", NULL).err, TOLL_ETIMEOUT);
	assert_true(toll_clock_mono_ns() - start < PATIENCE_NS);
}

static void aborting_ends_it(void **state TOLL_UNUSED)
{
	const atomic_bool abort = true;

	assert_int_equal(get_within(PATIENCE_NS, "", &abort).err, TOLL_ESHUTDOWN);
}

static void nobody_there_is_told(void **state TOLL_UNUSED)
{
	struct toll_http_get get = { .url = "http://127.0.0.1:1/",
		                     .timeout_ns = PATIENCE_NS,
		                     .max_bytes = 10 };
	struct toll_error why;
	char *body;
	size_t len;

	assert_int_equal(toll_http_get(&get, &body, &len, &why), TOLL_EDOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_answer_is_its_body),
		cmocka_unit_test(an_etag_is_kept_and_304_means_the_same_again),
		cmocka_unit_test(half_an_answer_is_none),
		cmocka_unit_test(other_statuses_are_refused),
		cmocka_unit_test(of_a_refusal_the_beginning_is_kept_and_no_more_waited_for),
		cmocka_unit_test(another_method_carries_its_body_and_is_not_sent_on),
		cmocka_unit_test(redirects_end_and_stay_with_http),
		cmocka_unit_test(bodies_are_bounded),
		cmocka_unit_test(waiting_is_bounded),
		cmocka_unit_test(aborting_ends_it),
		cmocka_unit_test(nobody_there_is_told),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
