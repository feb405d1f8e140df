/* SPDX-License-Identifier: Apache-2.0 */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/handover.h"

#define BACKLOG 128

/* Letters, digits, '.', '-', '_' of names, ':' and '%' of addresses: nothing that could forge a
 * log line. */
static bool host_is_clean(struct toll_slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c != '\0' && strchr(".-_:%", c))))
			return false;
	}
	return true;
}

int toll_endpoint_parse(struct toll_slice text, struct toll_endpoint *ret,
                        struct toll_error *reterr)
{
	const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
	struct toll_slice host, digits;
	uint64_t port;

	if (!colon)
		return toll_fail(
			reterr, TOLL_EINVALID,
			"\"%.*s\" has no port: write host:port, for example localhost:8888",
			TOLL_FMT(text));
	digits = toll_slice(colon + 1, (size_t)(text.ptr + text.len - colon - 1));
	if (!toll_slice_digits(digits, UINT16_MAX, &port))
		return toll_fail(reterr, TOLL_EINVALID,
		                 "\"%.*s\": the port must be a number from 0 to 65535",
		                 TOLL_FMT(text));
	host = toll_slice(text.ptr, (size_t)(colon - text.ptr));
	if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = toll_slice(host.ptr + 1, host.len - 2);
	else if (host.len && memchr(host.ptr, ':', host.len))
		return toll_fail(
			reterr, TOLL_EINVALID,
			"\"%.*s\": write an IPv6 address in brackets, for example [::1]:8888",
			TOLL_FMT(text));
	if (host.len > TOLL_HOST_MAX || !host_is_clean(host))
		return toll_fail(reterr, TOLL_EINVALID, "\"%.*s\": not a host name or address",
		                 TOLL_FMT(text));
	*ret = (struct toll_endpoint){ .port = (uint16_t)port };
	if (host.len)
		memcpy(ret->host, host.ptr, host.len);
	return 0;
}

static const char *print_host(const char *host, uint16_t port, char buf[TOLL_ENDPOINT_MAX])
{
	snprintf(buf, TOLL_ENDPOINT_MAX, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
	return buf;
}

const char *toll_endpoint_print(const struct toll_endpoint *e, char buf[TOLL_ENDPOINT_MAX])
{
	return print_host(e->host, e->port, buf);
}

const char *toll_endpoint_local_url(const struct toll_endpoint *e, char buf[TOLL_ENDPOINT_MAX])
{
	const char *host = e->host;

	if (!*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	return print_host(host, e->port, buf);
}

/* Fills at most one address. */
static int resolve(const struct toll_endpoint *e, struct sockaddr_storage *ret, socklen_t *ret_len,
                   const char **ret_why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		                        .ai_socktype = SOCK_STREAM,
		                        .ai_flags = AI_PASSIVE };
	struct addrinfo *list, *best;
	int rc = getaddrinfo(e->host, NULL, &hints, &list);

	if (rc != 0) {
		*ret_why = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
		return TOLL_EINVALID;
	}
	for (best = list; best && best->ai_family != AF_INET;)
		best = best->ai_next;
	if (!best)
		best = list;
	if (best) {
		memcpy(ret, best->ai_addr, best->ai_addrlen);
		*ret_len = best->ai_addrlen;
	}
	freeaddrinfo(list);
	return best ? 0 : TOLL_EINVALID;
}

static void set_port(struct sockaddr_storage *a, uint16_t port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)a)->sin_port = htons(port);
}

static uint16_t bound_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t len = sizeof(a);

	memset(&a, 0, sizeof(a));
	if (getsockname(fd, &a.any, &len) < 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

/* The socket, or -1 with errno. */
static int open_listener(const struct sockaddr_storage *a, socklen_t len)
{
	int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0, saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ss_family == AF_INET6) /* "[::]" and ":port" hear IPv4 too */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (const struct sockaddr *)a, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Every interface: IPv6 with IPv4 in it, or IPv4 alone where the kernel has no IPv6. */
static int listen_everywhere(uint16_t port)
{
	struct sockaddr_storage a = { .ss_family = AF_INET6 };
	int fd;

	set_port(&a, port);
	fd = open_listener(&a, sizeof(struct sockaddr_in6));
	if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	a = (struct sockaddr_storage){ .ss_family = AF_INET };
	set_port(&a, port);
	return open_listener(&a, sizeof(struct sockaddr_in));
}

static const char *advice(int err)
{
	switch (err) {
	case EADDRINUSE:
		return "another process listens there; stop it or choose another port";
	case EACCES:
		return "not allowed; ports below 1024 need a privilege";
	case EADDRNOTAVAIL:
		return "this machine has no such address";
	default:
		return strerror(err);
	}
}

int toll_endpoint_listen(const struct toll_endpoint *e, const char *setting, int *ret_fd,
                         uint16_t *ret_port, struct toll_error *reterr)
{
	struct sockaddr_storage a = { 0 };
	char text[TOLL_ENDPOINT_MAX];
	const char *why = "no address";
	socklen_t len = 0;
	int fd;

	if (*e->host) {
		if (resolve(e, &a, &len, &why) < 0)
			return toll_fail(reterr, TOLL_EINVALID,
			                 "%s: cannot find the address %s: %s", setting,
			                 toll_endpoint_print(e, text), why);
		set_port(&a, e->port);
		fd = open_listener(&a, len);
	} else {
		fd = listen_everywhere(e->port);
	}
	if (fd < 0 && errno == EADDRINUSE) {
		fd = toll_handover_take(setting, toll_endpoint_print(e, text), e->port);
		errno = EADDRINUSE;
	}
	if (fd < 0)
		return toll_fail(reterr, errno == EADDRINUSE ? TOLL_EFULL : TOLL_EDOWN,
		                 "%s: cannot listen on %s: %s", setting,
		                 toll_endpoint_print(e, text), advice(errno));
	if (e->port)
		toll_handover_offer(setting, toll_endpoint_print(e, text), fd);
	*ret_fd = fd;
	*ret_port = bound_port(fd);
	return 0;
}
