/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server.h - unary gRPC methods on gRPC C core: one completion queue and one thread per
 * worker, run to completion. With net/grpc_client.c the only user of that library.
 *
 * Unknown methods are answered UNIMPLEMENTED at once. The library never decompresses: a handler
 * gets the bytes as they came, with their encoding. */
#ifndef TOLL_NET_GRPC_SERVER_H
#define TOLL_NET_GRPC_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/* google.rpc.Code, as on the wire. */
enum toll_grpc_status {
	TOLL_GRPC_OK = 0,
	TOLL_GRPC_INVALID_ARGUMENT = 3,
	TOLL_GRPC_NOT_FOUND = 5,
	TOLL_GRPC_RESOURCE_EXHAUSTED = 8,
	TOLL_GRPC_UNIMPLEMENTED = 12,
	TOLL_GRPC_INTERNAL = 13,
	TOLL_GRPC_UNAVAILABLE = 14,
};

struct toll_grpc_server;
struct toll_grpc_call; /* one request; lives until it was answered */

struct toll_grpc_method {
	const char *path; /* "/package.Service/Method" */
	/* On a worker's thread. Must answer the call exactly once, now or later. */
	void (*handle)(void *ctx, struct toll_grpc_call *call);
	void *ctx;
};

/* 0 leaves a limit to the library, unless said otherwise. */
struct toll_grpc_server_settings {
	const char
		*endpoint; /* "127.0.0.1:4317", "localhost:4317", "unix:/run/x.sock"; port 0: any */
	const char *setting; /* YAML path that chose it, for the sentence on failure */
	const struct toll_grpc_method *methods; /* copied; texts are not */
	size_t method_count;
	unsigned workers; /* at least 1 */
	size_t max_message_bytes;
	size_t max_memory_bytes;        /* of the library's own buffers, all connections together */
	int64_t max_concurrent_streams; /* per connection */
	uint64_t max_connection_idle, max_connection_age, max_connection_age_grace; /* ns */
	uint64_t keepalive_time, keepalive_timeout, keepalive_min_time;             /* ns */
	bool keepalive_permit_without_stream;
};

/* Binds the endpoint; requests are answered from toll_grpc_server_start() on. */
int toll_grpc_server_new(const struct toll_grpc_server_settings *set, struct toll_grpc_server **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
int toll_grpc_server_start(struct toll_grpc_server *s, struct toll_error *reterr) TOLL_MUST_CHECK;
int toll_grpc_server_port(
	const struct toll_grpc_server *s); /* in use; 0 for a socket in the file system */

/* No new calls from here on; those inside may be answered until the deadline and are cancelled
 * then. Handlers must still answer each of them. Legal twice and before start. */
void toll_grpc_server_shutdown(struct toll_grpc_server *s, uint64_t deadline_mono_ns);
/* After shutdown, when every call has been answered. Always returns NULL. */
struct toll_grpc_server *toll_grpc_server_free(struct toll_grpc_server *s);

/* ---- calls
 * --------------------------------------------------------------------------------------- */

enum toll_grpc_encoding { TOLL_GRPC_IDENTITY = 0, TOLL_GRPC_GZIP };

size_t toll_grpc_call_size(const struct toll_grpc_call *c); /* of the message as it came */
enum toll_grpc_encoding toll_grpc_call_encoding(const struct toll_grpc_call *c);
/* Copies the message, toll_grpc_call_size() bytes, and gives the library's memory back. */
void toll_grpc_call_take(struct toll_grpc_call *c, char *out);
/* Room for a handler's own state, 128 bytes, zeroed at the beginning of the call. */
void *toll_grpc_call_state(struct toll_grpc_call *c);
/* "ipv4:127.0.0.1:40312"; free() it. NULL when out of memory. */
char *toll_grpc_call_peer(struct toll_grpc_call *c);

/* Exactly one of these per call, from any thread; c is gone afterwards. All texts are copied. */
void toll_grpc_reply(struct toll_grpc_call *c, struct toll_slice response);
/* details: an encoded google.rpc.Status for grpc-status-details-bin; empty: none. */
void toll_grpc_refuse(struct toll_grpc_call *c, enum toll_grpc_status status, const char *message,
                      struct toll_slice details);

#endif
