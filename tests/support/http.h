/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - a raw HTTP client for tests: bytes out, bytes in, nothing hidden. */
#ifndef TOLL_TESTS_HTTP_H
#define TOLL_TESTS_HTTP_H

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macro.h"
#include "net/endpoint.h"
#include "tests/unit/unit.h"

#define HTTP_END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Token: t1\r\n\r\n"

/* Somebody else listens there. */
static inline int http_occupy(uint16_t port)
{
	struct toll_endpoint e = { .host = "127.0.0.1", .port = port };
	int fd;

	assert_int_equal(toll_endpoint_listen(&e, "somebody::else", &fd, &port, NULL), 0);
	return fd;
}

static inline int http_dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons(port),
		                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline void http_put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All until the server closes. Valid until the next call. */
static inline const char *http_drain(int fd)
{
	static char answer[65536];
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	answer[len] = '\0';
	close(fd);
	return answer;
}

static inline const char *http_ask(uint16_t port, const char *request)
{
	int fd = http_dial(port);

	http_put(fd, request);
	return http_drain(fd);
}

/* One that nobody listens on now: below those that the kernel gives away, so that no other test has
 * it a moment later. */
static inline uint16_t http_free_port(void)
{
	static uint16_t next;
	struct toll_endpoint e = { .host = "127.0.0.1" };
	uint16_t port = 0;
	int fd = -1;

	if (!next)
		next = (uint16_t)(10000 + getpid() % 9000);
	do
		e.port = next++;
	while (toll_endpoint_listen(&e, "test", &fd, &port, NULL));
	close(fd);
	return port;
}

#endif
