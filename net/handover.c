/* SPDX-License-Identifier: Apache-2.0 */
#include "net/handover.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macro.h"
#include "net/endpoint.h"

#define OFFERS_MAX  64 /* the oldest is forgotten: its address would have to be closed first */
#define SETTING_MAX 192

/* fd may be closed by now, and its number be somebody else's: it is looked at before it is used. */
static struct offer {
	char setting[SETTING_MAX];
	char endpoint[TOLL_ENDPOINT_MAX];
	int fd;
} offers[OFFERS_MAX];
static size_t offered;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool listens_at(int fd, uint16_t port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t len = sizeof(a), on_len = sizeof(int);
	int on = 0;

	memset(&a, 0, sizeof(a));
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_len) < 0 || !on ||
	    getsockname(fd, &a.any, &len) < 0)
		return false;
	return port == ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static struct offer *find(const char *setting, const char *endpoint)
{
	for (size_t i = 0; i < TOLL_COUNT(offers); i++)
		if (offers[i].setting[0] && strcmp(offers[i].setting, setting) == 0 &&
		    strcmp(offers[i].endpoint, endpoint) == 0)
			return &offers[i];
	return NULL;
}

int toll_handover_take(const char *setting, const char *endpoint, uint16_t port)
{
	const struct offer *o;
	int fd = -1;

	pthread_mutex_lock(&lock);
	o = find(setting, endpoint);
	if (o)
		fd = fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&lock);
	/* The duplicate cannot become another socket any more. */
	if (fd >= 0 && !listens_at(fd, port)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void toll_handover_offer(const char *setting, const char *endpoint, int fd)
{
	struct offer *o;

	pthread_mutex_lock(&lock);
	o = find(setting, endpoint);
	if (!o)
		o = &offers[offered++ % TOLL_COUNT(offers)];
	snprintf(o->setting, sizeof(o->setting), "%s", setting);
	snprintf(o->endpoint, sizeof(o->endpoint), "%s", endpoint);
	o->fd = fd;
	pthread_mutex_unlock(&lock);
}
