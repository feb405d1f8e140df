/* SPDX-License-Identifier: Apache-2.0 */
/* http_tls.h - TLS of the HTTP server (GnuTLS under libmicrohttpd), and who the client is. */
#ifndef TOLL_NET_HTTP_TLS_H
#define TOLL_NET_HTTP_TLS_H

#include <stddef.h>

#include "net/tls_server.h"

struct gnutls_session_int;

/* For a connection that was just accepted, before its handshake: versions, certificate, and whether
 * the client needs one. The material is the caller's until the connection is closed; NULL: the
 * session cannot be used (out of memory). */
struct toll_tls_material *toll_http_tls_begin(struct toll_tls_server *tls,
                                              struct gnutls_session_int *session);

/* The name in the client's verified certificate: its first URI, else its first DNS name, else its
 * common name. Cut to size; "" when there is no certificate, or no name in it. Returns buf. */
const char *toll_http_tls_client(struct gnutls_session_int *session, char *buf, size_t size);

#endif
