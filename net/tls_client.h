/* SPDX-License-Identifier: Apache-2.0 */
/* tls_client.h - TLS of connections that we make over sockets of our own: GnuTLS, never blocking.
 *
 * TLS 1.2 or 1.3. The server's certificate must be signed by who we trust, be meant for servers and
 * have the host's name (or address). */
#ifndef TOLL_NET_TLS_CLIENT_H
#define TOLL_NET_TLS_CLIENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* PEM, NUL-terminated; NULL or "" where it is not given. */
struct toll_tls_client_settings {
	const char *ca_pem; /* who may sign the server's certificate; none: the system's */
	const char *cert_pem, *key_pem; /* ours, both or none */
	const char *server_name;        /* that the certificate must have; none: the host's */
	bool skip_verify;               /* believe any certificate */
	int min_version, max_version;   /* 12, 13; 0: 12, 13 */
};

/* Immutable; any thread. */
struct toll_tls_client;
/* TOLL_ECONFIG with a sentence; nothing of the settings is kept. */
int toll_tls_client_new(const struct toll_tls_client_settings *set, struct toll_tls_client **ret,
                        struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_tls_client *toll_tls_client_free(struct toll_tls_client *c); /* returns NULL */

/* One connection over fd, which does not block and stays the caller's. host: as it was dialled. */
struct toll_tls_session;
struct toll_tls_session *toll_tls_session_new(const struct toll_tls_client *c, const char *host,
                                              int fd); /* NULL: out of memory */
/* Says good-bye if that does not block; returns NULL. */
struct toll_tls_session *toll_tls_session_free(struct toll_tls_session *s);

/* 1: done; 0: the socket has to become ready, for writing if wants_write; TOLL_EDOWN with why. */
int toll_tls_session_shake(struct toll_tls_session *s);
/* Bytes; 0: would block; TOLL_EDOWN: over, with why. A write that would block is repeated with the
 * same bytes, and perhaps more behind them. */
ssize_t toll_tls_session_read(struct toll_tls_session *s, void *buf, size_t size);
ssize_t toll_tls_session_write(struct toll_tls_session *s, const void *buf, size_t size);
bool toll_tls_session_wants_write(const struct toll_tls_session *s);
const char *toll_tls_session_why(const struct toll_tls_session *s);

#endif
