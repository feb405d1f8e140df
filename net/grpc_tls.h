/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_tls.h - TLS of a gRPC server (OpenSSL inside C core), and who the client of a call is. */
#ifndef TOLL_NET_GRPC_TLS_H
#define TOLL_NET_GRPC_TLS_H

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "net/tls_server.h"

struct toll_grpc_tls {
	struct toll_tls_server *server;
	struct toll_tls_material *given; /* what core uses now; core's lock guards it */
};

/* Credentials for grpc_server_add_http2_port(); the caller releases them. t->server is set; t stays
 * where it is until the server is gone. TOLL_EUNSUPPORTED: this build of core cannot limit the
 * versions as asked. */
int toll_grpc_tls_credentials(struct toll_grpc_tls *t, grpc_server_credentials **ret,
                              struct toll_error *reterr) TOLL_MUST_CHECK;
void toll_grpc_tls_release(struct toll_grpc_tls *t);

/* The name in the client's verified certificate: its first URI, else its first DNS name, else its
 * common name. Cut to size; "" when there is no certificate, or no name in it. Returns buf. */
const char *toll_grpc_tls_client(grpc_call *call, char *buf, size_t size);

#endif
