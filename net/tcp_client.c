/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tcp_client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEPALIVE_S 15 /* silence of the network after which the peer is asked */

void toll_tcp_client_init(struct toll_tcp_client *c)
{
	*c = (struct toll_tcp_client){ .fd = -1 };
}

static void hang_up(struct toll_tcp_client *c)
{
	c->session = toll_tls_session_free(c->session);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = TOLL_TCP_CLOSED;
}

void toll_tcp_client_close(struct toll_tcp_client *c)
{
	hang_up(c);
	if (c->addresses)
		freeaddrinfo(c->addresses);
	c->addresses = c->next = NULL;
}

static int down(struct toll_tcp_client *c, const char *why)
{
	if (why != c->why)
		snprintf(c->why, sizeof(c->why), "%s", why);
	toll_tcp_client_close(c);
	return TOLL_EDOWN;
}

static int down_errno(struct toll_tcp_client *c, int err)
{
	char text[64];

	return down(c, strerror_r(err, text, sizeof(text)));
}

/* ---- connecting ---- */

static void set_options(int fd)
{
	static const int on = 1, idle = KEEPALIVE_S, interval = KEEPALIVE_S / 3, count = 3;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static bool dial(struct toll_tcp_client *c, const struct addrinfo *a)
{
	c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	set_options(c->fd);
	if (connect(c->fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		return false;
	c->state = TOLL_TCP_CONNECTING;
	return true;
}

/* The next address that takes a connection, or may. */
static int dial_next(struct toll_tcp_client *c, int err)
{
	while (c->next) {
		const struct addrinfo *a = c->next;

		c->next = a->ai_next;
		hang_up(c);
		if (dial(c, a))
			return 0;
		err = errno;
	}
	return down_errno(c, err);
}

static int look_up(struct toll_tcp_client *c)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", c->to.port);
	rc = getaddrinfo(c->to.host, port, &hints, &c->addresses);
	if (rc == EAI_SYSTEM)
		return down_errno(c, errno);
	if (rc)
		return down(c, gai_strerror(rc));
	c->next = c->addresses;
	return 0;
}

int toll_tcp_client_open(struct toll_tcp_client *c, const struct toll_endpoint *to,
                         const struct toll_tls_client *tls)
{
	int err;

	toll_tcp_client_close(c);
	c->to = *to;
	c->tls = tls;
	c->why[0] = '\0';
	err = look_up(c);
	return err ? err : dial_next(c, EADDRNOTAVAIL);
}

/* 1: connected; 0: not yet. */
static int end_connecting(struct toll_tcp_client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	if (poll(&p, 1, 0) <= 0)
		return 0;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err)
		return dial_next(c, err);
	if (!c->tls) {
		c->state = TOLL_TCP_OPEN;
		return 1;
	}
	c->session = toll_tls_session_new(c->tls, c->to.host, c->fd);
	if (!c->session)
		return down(c, "out of memory");
	c->state = TOLL_TCP_SHAKING;
	return 1;
}

int toll_tcp_client_step(struct toll_tcp_client *c)
{
	int done = c->state == TOLL_TCP_CONNECTING ? end_connecting(c) : 1;

	if (done <= 0 || c->state != TOLL_TCP_SHAKING)
		return done < 0 ? done : done && c->state == TOLL_TCP_OPEN;
	done = toll_tls_session_shake(c->session);
	if (done < 0) {
		snprintf(c->why, sizeof(c->why), "%s", toll_tls_session_why(c->session));
		return down(c, c->why);
	}
	if (done)
		c->state = TOLL_TCP_OPEN;
	return done;
}

short toll_tcp_client_events(const struct toll_tcp_client *c, bool writes)
{
	switch (c->state) {
	case TOLL_TCP_CONNECTING:
		return POLLOUT;
	case TOLL_TCP_SHAKING:
		return toll_tls_session_wants_write(c->session) ? POLLOUT : POLLIN;
	case TOLL_TCP_OPEN:
		return writes ? POLLIN | POLLOUT : POLLIN;
	default:
		return 0;
	}
}

/* ---- bytes ---- */

static ssize_t of_session(struct toll_tcp_client *c, ssize_t n)
{
	if (n >= 0)
		return n;
	snprintf(c->why, sizeof(c->why), "%s", toll_tls_session_why(c->session));
	return down(c, c->why);
}

static ssize_t of_socket(struct toll_tcp_client *c, ssize_t n)
{
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return 0;
	return down_errno(c, errno);
}

ssize_t toll_tcp_client_read(struct toll_tcp_client *c, void *buf, size_t size)
{
	ssize_t n;

	if (c->session)
		return of_session(c, toll_tls_session_read(c->session, buf, size));
	n = recv(c->fd, buf, size, 0);
	return n == 0 ? down(c, "the server closed the connection") : of_socket(c, n);
}

ssize_t toll_tcp_client_write(struct toll_tcp_client *c, const void *buf, size_t size)
{
	if (c->session)
		return of_session(c, toll_tls_session_write(c->session, buf, size));
	return of_socket(c, send(c->fd, buf, size, MSG_NOSIGNAL));
}
