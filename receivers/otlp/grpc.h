/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.h - the gRPC engine, for the methods that are served beside Export. */
#ifndef TOLL_RECEIVERS_OTLP_GRPC_H
#define TOLL_RECEIVERS_OTLP_GRPC_H

#include "net/grpc_server.h"
#include "receivers/otlp/otlp.h"

struct toll_otlp_grpc {
	struct toll_otlp_engine super;
	struct toll_grpc_server *server;
	struct toll_grpc_method methods[5];
};

/* health.c: a handler; ctx is the struct toll_otlp_grpc. */
void toll_otlp_handle_health(void *ctx, struct toll_grpc_call *c);

#endif
