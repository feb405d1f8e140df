/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server_listen.c - where a server listens, and the one before it that a reload replaces. */
#include "net/grpc_server_private.h"

#include <grpc/grpc_security.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Servers of this process with a port: a reload may open one for the same setting again while the
 * one before still answers. */
static struct toll_grpc_server *live;
static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_unix(const struct toll_grpc_server *s)
{
	return strncmp(s->set.endpoint, "unix:", 5) == 0;
}

static void join_live(struct toll_grpc_server *s)
{
	pthread_mutex_lock(&live_lock);
	s->next = live;
	live = s;
	pthread_mutex_unlock(&live_lock);
}

void toll_grpc_leave_place(struct toll_grpc_server *s)
{
	struct toll_grpc_server **at = &live;

	toll_unix_unlink(&s->at);
	pthread_mutex_lock(&live_lock);
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	pthread_mutex_unlock(&live_lock);
}

/* The same setting listens at the same place: its address. */
static bool find_predecessor(const struct toll_grpc_server *s, struct toll_endpoint *ret)
{
	const struct toll_grpc_server *other;

	pthread_mutex_lock(&live_lock);
	for (other = live; other; other = other->next)
		if (strcmp(other->place, s->place) == 0 && other->bound.port)
			break;
	if (other)
		*ret = other->bound;
	pthread_mutex_unlock(&live_lock);
	return other != NULL;
}

/* The one address that a name stands for; a busy port is found out here, with a sentence. */
static int resolve(struct toll_grpc_server *s, struct toll_endpoint *ret, struct toll_error *reterr)
{
	struct toll_endpoint e;
	struct toll_error why;
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	uint16_t port;
	int fd, err = toll_endpoint_parse(toll_slice_str(s->set.endpoint), &e, &why);

	if (err < 0)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: %s", s->set.setting, why.text);
	err = toll_endpoint_listen(&e, s->set.setting, &fd, &port, reterr);
	if (err < 0)
		return err;
	err = getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
	                      getnameinfo((struct sockaddr *)&at, len, ret->host, sizeof(ret->host),
	                                  NULL, 0, NI_NUMERICHOST) == 0
	              ? 0
	              : toll_fail(reterr, TOLL_EINTERNAL, "%s: cannot tell the address of %s",
	                          s->set.setting, s->set.endpoint);
	close(fd);
	ret->port = e.port ? port : 0;
	return err;
}

static int make_credentials(struct toll_grpc_server *s, grpc_server_credentials **ret,
                            struct toll_error *reterr)
{
	s->tls.server = s->set.tls;
	if (s->set.tls)
		return toll_grpc_tls_credentials(&s->tls, ret, reterr);
	*ret = grpc_insecure_server_credentials_create();
	return 0;
}

/* Where core is to listen, as it reads it. */
static int find_address(struct toll_grpc_server *s, struct toll_endpoint *e,
                        char text[TOLL_ENDPOINT_MAX], struct toll_error *reterr)
{
	int err;

	if (is_unix(s)) {
		err = toll_unix_reserve(s->set.endpoint + strlen("unix:"), s->set.setting, &s->at,
		                        reterr);
		snprintf(text, TOLL_ENDPOINT_MAX, "unix:%s", s->at.aside);
		return err;
	}
	err = find_predecessor(s, e) ? 0 : resolve(s, e, reterr);
	toll_endpoint_print(e, text);
	return err;
}

static int refused_by_core(const struct toll_grpc_server *s, struct toll_error *reterr)
{
	return toll_fail(reterr, TOLL_EFULL, "%s: cannot listen on %s%s", s->set.setting,
	                 s->set.endpoint,
	                 s->set.tls ? ", or OpenSSL does not accept the certificate" : "");
}

int toll_grpc_open_port(struct toll_grpc_server *s, struct toll_error *reterr)
{
	struct toll_endpoint e = { .port = 0 };
	char text[TOLL_ENDPOINT_MAX];
	grpc_server_credentials *credentials = NULL;
	int port, err = find_address(s, &e, text, reterr);

	if (!err)
		err = make_credentials(s, &credentials, reterr);
	if (err < 0)
		return err;
	port = grpc_server_add_http2_port(s->core, text, credentials);
	grpc_server_credentials_release(credentials);
	if (port == 0)
		return refused_by_core(s, reterr);
	if (is_unix(s)) {
		snprintf(s->address, sizeof(s->address), "%s", s->set.endpoint);
		return toll_unix_publish(&s->at, reterr);
	}
	s->bound = e; /* port 0, any: nobody can ask for the same again */
	e.port = (uint16_t)port;
	snprintf(s->address, sizeof(s->address), "%s", toll_endpoint_local_url(&e, text));
	join_live(s);
	return 0;
}
