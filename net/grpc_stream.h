/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_stream.h - a call that is answered with one message after the other until somebody ends it.
 *
 * begin() in the method's handle() instead of toll_grpc_answer(). From there: sent() after every
 * message, closed() once, when the client has gone or the server gives up; both on the call's
 * worker's thread. Exactly one toll_grpc_stream_end(), from any thread, before or after closed():
 * it is the last use of the call. send() and end() of one call are the owner's to put in order. */
#ifndef TOLL_NET_GRPC_STREAM_H
#define TOLL_NET_GRPC_STREAM_H

#include "base/snapshot.h"
#include "net/grpc_server.h"

struct toll_grpc_stream_events {
	void (*sent)(void *ctx, struct toll_grpc_call *call);   /* the next message may come */
	void (*closed)(void *ctx, struct toll_grpc_call *call); /* nobody reads any more */
	void *ctx;
};

/* The events outlive the call. */
void toll_grpc_stream_begin(struct toll_grpc_call *c, const struct toll_grpc_stream_events *events);
/* One message, head and body in one; not before sent() of the one before. head is copied; body
 * lives as long as owner, of which a reference is taken (both may be empty, NULL). */
void toll_grpc_stream_send(struct toll_grpc_call *c, struct toll_slice head, struct toll_slice body,
                           struct toll_shared *owner);
/* A message that is on its way is given up. why: static, NULL: nothing is wrong. */
void toll_grpc_stream_end(struct toll_grpc_call *c, int status, const char *why);

#endif
