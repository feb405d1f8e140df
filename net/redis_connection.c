/* SPDX-License-Identifier: Apache-2.0 */
#include "net/redis_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define READ_SIZE ((size_t)16 << 10) /* a record of TLS */
#define READ_TURN 64                 /* so many at a time: others have their turn as well */
#define WORDS_MAX 16

void toll_redis_connection_init(struct toll_redis_connection *c)
{
	*c = (struct toll_redis_connection){ .out = NULL };
	toll_tcp_client_init(&c->tcp);
}

void toll_redis_connection_close(struct toll_redis_connection *c)
{
	toll_tcp_client_close(&c->tcp);
	c->reader = toll_redis_reader_free(c->reader);
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_size = c->out_sent = 0;
	c->more = false;
}

bool toll_redis_connection_stands(const struct toll_redis_connection *c)
{
	return c->tcp.state != TOLL_TCP_CLOSED;
}

static int down(struct toll_redis_connection *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	return TOLL_EDOWN;
}

int toll_redis_connection_open(struct toll_redis_connection *c, const struct toll_endpoint *to,
                               const struct toll_tls_client *tls)
{
	toll_redis_connection_close(c);
	c->reader = toll_redis_reader_new();
	if (!c->reader)
		return down(c, "out of memory");
	if (toll_tcp_client_open(&c->tcp, to, tls) < 0)
		return down(c, c->tcp.why);
	return 0;
}

int toll_redis_connection_put(struct toll_redis_connection *c, const char *bytes, size_t len)
{
	if (c->out_sent == c->out_len)
		c->out_sent = c->out_len = 0;
	if (len > c->out_size - c->out_len) {
		size_t size = (c->out_len + len) * 2;
		char *out = realloc(c->out, size);

		if (!out)
			return down(c, "out of memory");
		c->out = out;
		c->out_size = size;
	}
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
	return 0;
}

short toll_redis_connection_events(const struct toll_redis_connection *c)
{
	return toll_tcp_client_events(&c->tcp, c->out_sent < c->out_len);
}

static int write_some(struct toll_redis_connection *c)
{
	while (c->out_sent < c->out_len) {
		ssize_t n = toll_tcp_client_write(&c->tcp, c->out + c->out_sent,
		                                  c->out_len - c->out_sent);

		if (n < 0)
			return down(c, c->tcp.why);
		if (n == 0)
			break;
		c->out_sent += (size_t)n;
	}
	return 0;
}

static int read_some(struct toll_redis_connection *c)
{
	char buf[READ_SIZE] TOLL_UNINITIALIZED;
	int turn = 0;

	c->more = false;
	for (; turn < READ_TURN; turn++) {
		ssize_t n = toll_tcp_client_read(&c->tcp, buf, sizeof(buf));

		if (n < 0)
			return down(c, c->tcp.why);
		if (n == 0)
			return 0;
		if (toll_redis_reader_feed(c->reader, buf, (size_t)n) < 0)
			return down(c, toll_redis_reader_why(c->reader));
	}
	c->more = true;
	return 0;
}

int toll_redis_connection_step(struct toll_redis_connection *c)
{
	int rc = toll_tcp_client_step(&c->tcp), err;

	if (rc < 0)
		return down(c, c->tcp.why);
	if (rc == 0)
		return 0;
	err = read_some(c);
	return err ? err : write_some(c);
}

int toll_redis_connection_take(struct toll_redis_connection *c, redisReply **ret)
{
	int rc = c->reader ? toll_redis_reader_take(c->reader, ret) : 0;

	return rc < 0 ? down(c, toll_redis_reader_why(c->reader)) : rc;
}

/* ---- waiting ---- */

static int milliseconds(uint64_t now, uint64_t deadline)
{
	return now >= deadline ? 0 : (int)((deadline - now + TOLL_MS - 1) / TOLL_MS);
}

int toll_redis_connection_wait(struct toll_redis_connection *c, uint64_t deadline_mono_ns,
                               redisReply **ret)
{
	int rc = toll_redis_connection_take(c, ret), err;

	while (rc == 0) {
		struct pollfd p = { .fd = c->tcp.fd, .events = toll_redis_connection_events(c) };
		uint64_t now = toll_clock_mono_ns();

		if (!toll_redis_connection_stands(c))
			return TOLL_EDOWN;
		if (poll(&p, 1, c->more ? 0 : milliseconds(now, deadline_mono_ns)) < 0 &&
		    errno != EINTR)
			return down(c, strerror(errno));
		err = toll_redis_connection_step(c);
		rc = toll_redis_connection_take(c, ret);
		if (rc == 0 && err)
			return err;
		if (rc == 0 && toll_clock_mono_ns() >= deadline_mono_ns)
			return TOLL_ETIMEOUT;
	}
	return rc < 0 ? rc : 0;
}

int toll_redis_connection_ask(struct toll_redis_connection *c, uint64_t deadline_mono_ns,
                              redisReply **ret, const char *const words[])
{
	const char *argv[WORDS_MAX];
	char *bytes;
	int argc = 0, len, err;

	while (argc < WORDS_MAX && words[argc]) {
		argv[argc] = words[argc];
		argc++;
	}
	len = (int)redisFormatCommandArgv(&bytes, argc, argv, NULL);
	if (len < 0)
		return down(c, "out of memory");
	err = toll_redis_connection_put(c, bytes, (size_t)len);
	free(bytes);
	if (!err)
		err = toll_redis_connection_wait(c, deadline_mono_ns, ret);
	return err == TOLL_ETIMEOUT ? down(c, "timed out") : err;
}

int toll_redis_connection_sign_in(struct toll_redis_connection *c, struct toll_slice username,
                                  struct toll_slice password, uint64_t deadline_mono_ns)
{
	const char *const with_name[] = { "AUTH", username.ptr, password.ptr, NULL };
	const char *const plain[] = { "AUTH", password.ptr, NULL };
	redisReply *reply;
	int err;

	if (!password.len)
		return 0;
	err = toll_redis_connection_ask(c, deadline_mono_ns, &reply,
	                                username.len ? with_name : plain);
	if (err)
		return err;
	if (reply->type == REDIS_REPLY_ERROR)
		err = down(c, reply->str);
	freeReplyObject(reply);
	return err;
}
