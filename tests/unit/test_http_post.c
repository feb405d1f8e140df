/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_post.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/unit/unit.h"

/* ---- a server that does what the first byte of a body says, a thread per connection ---- */

enum { CONNECTIONS = 64 };

struct server {
	int fd;
	unsigned port;
	pthread_t thread;
	atomic_int connections, requests;
	int fds[CONNECTIONS];
	pthread_t threads[CONNECTIONS];
	pthread_mutex_t lock;
	char head[4096]; /* of the last request */
};

struct connection {
	struct server *server;
	int fd;
	char head[4096];
};

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void say_long(int fd)
{
	char line[1000];

	memset(line, 'x', sizeof(line));
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		if (send(fd, line, sizeof(line), MSG_NOSIGNAL) < 0)
			return;
}

/* False: the connection ends. */
static bool answer(int fd, char what)
{
	switch (what) {
	case 'o':
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		return true;
	case 'j':
		say(fd, "HTTP/1.1 400 Bad\r\nContent-Type: application/json; charset=utf-8\r\n"
		        "Content-Length: 2\r\n\r\n{}");
		return true;
	case 'r':
		say(fd, "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
		return true;
	case 'd':
		say(fd, "HTTP/1.1 503 No\r\nRetry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n"
		        "Content-Length: 0\r\n\r\n");
		return true;
	case 'm':
		say(fd, "HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
		return true;
	case 'b':
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf");
		return false;
	case 'l':
		say_long(fd);
		return false;
	case 's': /* silent */
		return true;
	default: /* cut */
		return false;
	}
}

/* Head and body of one request; the body's first byte, or 0 at the end. */
static char read_request(struct connection *c)
{
	char *head = c->head, *body, *length;
	size_t len = 0, want = SIZE_MAX;

	while (len < want && len < sizeof(c->head) - 1) {
		ssize_t n = recv(c->fd, head + len, sizeof(c->head) - 1 - len, 0);

		if (n <= 0)
			return 0;
		len += (size_t)n;
		head[len] = '\0';
		body = strstr(head, "\r\n\r\n");
		length = strstr(head, "Content-Length: ");
		if (body && length)
			want = (size_t)(body + 4 - head) + strtoul(length + 16, NULL, 10);
	}
	pthread_mutex_lock(&c->server->lock);
	memcpy(c->server->head, head, len + 1);
	pthread_mutex_unlock(&c->server->lock);
	return strstr(head, "\r\n\r\n")[4];
}

/* Was that in the last request? */
static bool saw(struct server *s, const char *text)
{
	bool there;

	pthread_mutex_lock(&s->lock);
	there = strstr(s->head, text) != NULL;
	pthread_mutex_unlock(&s->lock);
	return there;
}

static void *talk(void *arg)
{
	struct connection *c = arg;
	char what;

	while ((what = read_request(c))) {
		atomic_fetch_add(&c->server->requests, 1);
		if (!answer(c->fd, what))
			break;
	}
	shutdown(c->fd, SHUT_RDWR);
	free(c);
	return NULL;
}

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct connection *c = malloc(sizeof(*c));
		int i = atomic_fetch_add(&s->connections, 1);

		assert_non_null(c);
		c->server = s;
		c->fd = fd;
		s->fds[i] = fd;
		assert_int_equal(toll_thread_start(&s->threads[i], "talk", talk, c), 0);
	}
	return NULL;
}

static void server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(toll_thread_start(&s->thread, "serve", serve, s), 0);
}

static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < s->connections; i++) {
		shutdown(s->fds[i], SHUT_RDWR);
		pthread_join(s->threads[i], NULL);
		close(s->fds[i]);
	}
	pthread_mutex_destroy(&s->lock);
}

/* ---- answers, gathered ---- */

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t came;
	unsigned count;
	struct toll_http_reply last;
	char why[256], body[64];
	bool is_json;
};

static void note(void *ctx, const struct toll_http_reply *r)
{
	struct answers *a = ctx;

	pthread_mutex_lock(&a->lock);
	a->count++;
	a->last = *r;
	snprintf(a->why, sizeof(a->why), "%s", r->why);
	a->is_json = strncmp(r->content_type, "application/json", 16) == 0;
	snprintf(a->body, sizeof(a->body), "%.*s", TOLL_FMT(r->body));
	pthread_cond_broadcast(&a->came);
	pthread_mutex_unlock(&a->lock);
}

static void wait_for(struct answers *a, unsigned count)
{
	uint64_t limit = toll_clock_mono_ns() + PATIENCE_NS;

	pthread_mutex_lock(&a->lock);
	while (a->count < count)
		assert_int_equal(toll_cond_wait_until(&a->came, &a->lock, limit), 0);
	pthread_mutex_unlock(&a->lock);
}

struct fixture {
	struct server server;
	struct toll_http_poster *poster;
	struct answers got;
};

static struct toll_http_poster *poster_to(unsigned port, struct toll_http_poster_settings set)
{
	struct toll_http_poster *p = NULL;
	struct toll_error why;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1/traces", port);
	set.url = url;
	set.thread = "post";
	if (toll_http_poster_new(&set, &p, &why))
		fail_msg("%s", why.text);
	return p;
}

static void begin(struct fixture *f, uint64_t timeout_ns)
{
	static const struct toll_http_header headers[] = {
		{ "Content-Type", { "application/x-protobuf", 22 } },
		{ "X-Token", { "t 1", 3 } },
		{ "X-Empty", { "", 0 } },
	};

	memset(f, 0, sizeof(*f));
	server_start(&f->server);
	pthread_mutex_init(&f->got.lock, NULL);
	assert_int_equal(toll_cond_init(&f->got.came), 0);
	f->poster = poster_to(f->server.port,
	                      (struct toll_http_poster_settings){ .headers = headers,
	                                                          .header_count = 3,
	                                                          .timeout_ns = timeout_ns });
}

static void end(struct fixture *f)
{
	f->poster = toll_http_poster_free(f->poster);
	server_stop(&f->server);
	pthread_cond_destroy(&f->got.came);
	pthread_mutex_destroy(&f->got.lock);
}

static const struct toll_http_reply *post(struct fixture *f, const char *body)
{
	unsigned before;

	pthread_mutex_lock(&f->got.lock);
	before = f->got.count;
	pthread_mutex_unlock(&f->got.lock);
	assert_int_equal(toll_http_post(f->poster, strdup(body), strlen(body), note, &f->got), 0);
	wait_for(&f->got, before + 1);
	return &f->got.last;
}

/* ---- tests ---- */

static void answers_say_what_the_server_said(void **state TOLL_UNUSED)
{
	const struct toll_http_reply *r;
	struct fixture f;

	begin(&f, PATIENCE_NS);
	r = post(&f, "ok");
	assert_int_equal(r->err, 0);
	assert_int_equal(r->status, 200);
	assert_string_equal(f.got.body, "ok");
	assert_false(r->incomplete || r->retry_after_ns);
	assert_string_equal(r->content_type, "");
	assert_true(saw(&f.server, "POST /v1/traces HTTP/1.1\r\n"));
	assert_true(saw(&f.server, "\r\nX-Token: t 1\r\n"));
	assert_true(saw(&f.server, "\r\nX-Empty:\r\n"));
	assert_true(saw(&f.server, "\r\nContent-Type: application/x-protobuf\r\n"));
	assert_true(saw(&f.server, "\r\nUser-Agent: spantoll/"));
	assert_false(saw(&f.server, "Expect"));
	r = post(&f, "json");
	assert_true(r->status == 400 && f.got.is_json);
	r = post(&f, "retry");
	assert_true(r->status == 429 && r->retry_after_ns == 7 * TOLL_S);
	r = post(&f, "date"); /* far away; newer libraries make six hours of it */
	assert_true(r->status == 503 && r->retry_after_ns > 3600 * TOLL_S);
	r = post(&f, "moved");
	assert_int_equal(r->status, 307);
	assert_int_equal(f.server.requests, 5);
	assert_int_equal(f.server.connections, 1); /* kept */
	end(&f);
}

static void a_status_counts_also_when_its_body_does_not_come(void **state TOLL_UNUSED)
{
	const struct toll_http_reply *r;
	struct fixture f;

	begin(&f, PATIENCE_NS);
	r = post(&f, "broken");
	assert_true(r->err == 0 && r->status == 200 && r->incomplete);
	r = post(&f, "long");
	assert_true(r->err == 0 && r->status == 200 && r->incomplete);
	assert_true(r->body.len <= 64 << 10);
	end(&f);
}

static void no_answer_is_an_error(void **state TOLL_UNUSED)
{
	const struct toll_http_reply *r;
	struct fixture f;
	unsigned port;

	begin(&f, PATIENCE_NS);
	port = f.server.port;
	r = post(&f, "cut");
	assert_int_equal(r->err, TOLL_EDOWN);
	assert_true(f.got.why[0] != '\0');
	toll_http_poster_free(f.poster);
	f.poster =
		poster_to(port, (struct toll_http_poster_settings){ .timeout_ns = 200 * TOLL_MS });
	r = post(&f, "silent");
	assert_int_equal(r->err, TOLL_ETIMEOUT);
	toll_http_poster_free(f.poster);
	shutdown(f.server.fd, SHUT_RDWR);
	f.poster = poster_to(port, (struct toll_http_poster_settings){ .timeout_ns = PATIENCE_NS });
	server_stop(&f.server);
	r = post(&f, "ok");
	assert_int_equal(r->err, TOLL_EDOWN);
	toll_http_poster_free(f.poster);
	pthread_cond_destroy(&f.got.came);
	pthread_mutex_destroy(&f.got.lock);
}

static void many_are_in_flight_at_once(void **state TOLL_UNUSED)
{
	struct fixture f;

	begin(&f, PATIENCE_NS);
	for (int i = 0; i < 8; i++)
		assert_int_equal(toll_http_post(f.poster, strdup("silent"), 6, note, &f.got), 0);
	assert_int_equal(post(&f, "ok")->status, 200);
	assert_int_equal(f.got.count, 1);
	f.poster = toll_http_poster_free(f.poster);
	assert_int_equal(f.got.count, 9);
	assert_int_equal(f.got.last.err, TOLL_ESHUTDOWN);
	end(&f);
}

struct chain {
	struct fixture *f;
	unsigned left;
};

static void post_again(void *ctx, const struct toll_http_reply *r)
{
	struct chain *c = ctx;

	if (c->left--)
		assert_int_equal(toll_http_post(c->f->poster, strdup("ok"), 2, post_again, c), 0);
	else
		note(&c->f->got, r);
}

static void a_callback_may_post_again(void **state TOLL_UNUSED)
{
	struct fixture f;
	struct chain c = { &f, 100 };

	begin(&f, PATIENCE_NS);
	assert_int_equal(toll_http_post(f.poster, strdup("ok"), 2, post_again, &c), 0);
	wait_for(&f.got, 1);
	assert_int_equal(f.server.requests, 101);
	assert_int_equal(f.server.connections, 1);
	end(&f);
}

static void what_is_no_url_is_refused(void **state TOLL_UNUSED)
{
	struct toll_http_poster_settings set = { .url = "http://u:secret@:x", .thread = "post" };
	struct toll_http_poster *p;
	struct toll_error why;

	assert_int_equal(toll_http_poster_new(&set, &p, &why), TOLL_EINVALID);
	assert_string_equal(why.text,
	                    "\"http://:x\" is no URL: http://host:port or https://host:port");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_say_what_the_server_said),
		cmocka_unit_test(a_status_counts_also_when_its_body_does_not_come),
		cmocka_unit_test(no_answer_is_an_error),
		cmocka_unit_test(many_are_in_flight_at_once),
		cmocka_unit_test(a_callback_may_post_again),
		cmocka_unit_test(what_is_no_url_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
