/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_watch.h - one gRPC call that is answered with a stream of messages, start to end. Blocks:
 * for a component's own thread. */
#ifndef TOLL_NET_GRPC_WATCH_H
#define TOLL_NET_GRPC_WATCH_H

#include <stdatomic.h>

#include "net/grpc_client.h"

struct toll_grpc_watch {
	const struct toll_grpc_client_settings *client; /* where, how */
	const char *method;                             /* "/package.Service/Method" */
	struct toll_slice request;
	uint64_t silence_ns;      /* no message for so long ends it */
	const atomic_bool *abort; /* may be NULL; looked at about once a second */
	/* A message, borrowed for the call. Negative ends the watch with that error. */
	int (*on_message)(void *ctx, struct toll_slice message);
	void *ctx;
};

/* Returns when the stream has ended, which is an error too. TOLL_EDOWN: no connection, or it broke,
 * or the server ended it; TOLL_ETIMEOUT: silence; TOLL_EREFUSED: another status; TOLL_ETOOBIG: a
 * message is longer than the client's settings allow; TOLL_EINVALID: compressed, which nobody asked
 * for; TOLL_ESHUTDOWN: aborted; TOLL_ENOMEM. The sentence names the target. */
int toll_grpc_watch(const struct toll_grpc_watch *w, struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
