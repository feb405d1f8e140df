/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_client.h - one connection that we make, plain or TLS, that never blocks but for looking its
 * name up. One thread. Zeros are not closed: begin with toll_tcp_client_init(). */
#ifndef TOLL_NET_TCP_CLIENT_H
#define TOLL_NET_TCP_CLIENT_H

#include "net/endpoint.h"
#include "net/tls_client.h"

struct addrinfo;

enum toll_tcp_state { TOLL_TCP_CLOSED = 0, TOLL_TCP_CONNECTING, TOLL_TCP_SHAKING, TOLL_TCP_OPEN };

struct toll_tcp_client {
	int fd; /* -1: closed */
	enum toll_tcp_state state;
	struct toll_endpoint to;
	const struct toll_tls_client *tls; /* NULL: plain; outlives the connection */
	struct toll_tls_session *session;
	struct addrinfo *addresses, *next; /* all of the name, and those not yet tried */
	char why[200];
};

void toll_tcp_client_init(struct toll_tcp_client *c);
/* Begins to connect. TOLL_EDOWN with why: no such name, or refused at once everywhere. */
int toll_tcp_client_open(struct toll_tcp_client *c, const struct toll_endpoint *to,
                         const struct toll_tls_client *tls) TOLL_MUST_CHECK;
void toll_tcp_client_close(struct toll_tcp_client *c); /* legal twice */

/* For poll(); writes: there is something to write. */
short toll_tcp_client_events(const struct toll_tcp_client *c, bool writes);
/* Goes on with connecting; 1: open, 0: not yet, TOLL_EDOWN with why. */
int toll_tcp_client_step(struct toll_tcp_client *c) TOLL_MUST_CHECK;

/* While open. Bytes; 0: would block; TOLL_EDOWN with why. */
ssize_t toll_tcp_client_read(struct toll_tcp_client *c, void *buf, size_t size);
ssize_t toll_tcp_client_write(struct toll_tcp_client *c, const void *buf, size_t size);

#endif
