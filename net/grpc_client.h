/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_client.h - unary gRPC calls over one channel, many in flight, one thread for the answers.
 *
 * Plain text. The channel connects by itself, with core's back-off, and again when it has broken.
 */
#ifndef TOLL_NET_GRPC_CLIENT_H
#define TOLL_NET_GRPC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_grpc_client;

struct toll_grpc_client_settings {
	const char *target; /* "127.0.0.1:4317", "localhost:4317", "unix:/path" */
	const char *thread; /* thread name, at most 15 bytes; NULL: "toll-grpc-c" */
	bool gzip;          /* compress every request */
	/* Calls wait for a connection until their time-out, instead of failing at once while the
	 * server is away. */
	bool wait_for_ready;
};

/* Borrowed for the length of the callback. */
struct toll_grpc_reply {
	int status;                 /* gRPC code: 0 OK, 4 deadline, 14 unavailable, ... */
	const char *message;        /* what the server says about status; "" when nothing */
	struct toll_slice response; /* the message, while status is 0 */
	struct toll_slice details;  /* google.rpc.Status of grpc-status-details-bin; may be empty */
};

int toll_grpc_client_new(const struct toll_grpc_client_settings *set, struct toll_grpc_client **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
/* Cancels what is in flight, waits for its callbacks. Not from a callback. Always returns NULL. */
struct toll_grpc_client *toll_grpc_client_free(struct toll_grpc_client *c);

/* Any thread. method: "/package.Service/Method". The request is copied. done runs exactly once, on
 * the client's thread, perhaps before this returns; it may start further calls. TOLL_ENOMEM,
 * TOLL_ESHUTDOWN (being freed): not started, done is not called. */
int toll_grpc_client_start(struct toll_grpc_client *c, const char *method,
                           struct toll_slice request, uint64_t timeout_ns,
                           void (*done)(void *ctx, const struct toll_grpc_reply *r),
                           void *ctx) TOLL_MUST_CHECK;

/* Calls started and not yet answered. Any thread. */
unsigned toll_grpc_client_in_flight(const struct toll_grpc_client *c);

/* Waits for the answer: its gRPC status, or TOLL_ENOMEM. ret_message (may be NULL, else at least
 * one byte) gets what the server says, cut to size. Not from a callback. */
int toll_grpc_client_call(struct toll_grpc_client *c, const char *method, struct toll_slice request,
                          uint64_t timeout_ns, char *ret_message, size_t size) TOLL_MUST_CHECK;

#endif
