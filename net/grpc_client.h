/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_client.h - unary gRPC calls over one channel, many in flight, one thread for the answers.
 *
 * The channel connects by itself, with core's back-off, and again when it has broken. */
#ifndef TOLL_NET_GRPC_CLIENT_H
#define TOLL_NET_GRPC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_grpc_client;

/* PEM, NUL-terminated; NULL where it is not given. TLS 1.2 or 1.3, as the server likes. */
struct toll_grpc_client_tls {
	const char *ca_pem; /* who may sign the server's certificate; NULL: the system's */
	const char *cert_pem, *key_pem; /* ours, both or none */
	const char *server_name;        /* instead of the target's */
	bool skip_verify;               /* believe any certificate */
};

struct toll_grpc_header {
	const char *name; /* lower case */
	struct toll_slice value;
};

/* Borrowed for the call. 0 or NULL: core's default. */
struct toll_grpc_client_settings {
	const char *target;    /* "localhost:4317", "dns:///name:4317", "unix:/path" */
	const char *authority; /* what the server is told as :authority */
	const char *thread;    /* thread name, at most 15 bytes; NULL: "toll-grpc-c" */
	bool gzip;             /* compress every request */
	/* Calls wait for a connection until their time-out, instead of failing at once while the
	 * server is away. */
	bool wait_for_ready;
	bool round_robin; /* over all addresses of the name, instead of the first that answers */
	const struct toll_grpc_client_tls *tls; /* NULL: plain text */
	const struct toll_grpc_header *headers; /* sent with every call */
	size_t header_count;
	size_t read_buffer_bytes, write_buffer_bytes;
	size_t max_response_bytes;  /* [TOLL_GRPC_RESPONSE_MAX] of one message */
	uint64_t keepalive_time_ns; /* ping a silent server after this long; 0: never */
	uint64_t keepalive_timeout_ns;
	bool keepalive_permit_without_calls;
};

/* A longer answer counts as RESOURCE_EXHAUSTED; one in gzip that inflates to more as unreadable. */
#define TOLL_GRPC_RESPONSE_MAX (4 << 20)

/* Borrowed for the length of the callback. */
struct toll_grpc_reply {
	int status;                 /* gRPC code: 0 OK, 4 deadline, 14 unavailable, ... */
	const char *message;        /* what the server says about status; "" when nothing */
	struct toll_slice response; /* the message, while status is 0 */
	bool unreadable;            /* status is 0, but there was no reading the message */
	struct toll_slice details;  /* google.rpc.Status of grpc-status-details-bin; may be empty */
};

int toll_grpc_client_new(const struct toll_grpc_client_settings *set, struct toll_grpc_client **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
/* Cancels what is in flight, waits for its callbacks. Not from a callback. Always returns NULL. */
struct toll_grpc_client *toll_grpc_client_free(struct toll_grpc_client *c);

/* Calls from now on go over a new connection made from these settings, of which thread and headers
 * are not looked at; those in flight end on theirs. One thread at a time. TOLL_ENOMEM: as before.
 */
int toll_grpc_client_reopen(struct toll_grpc_client *c,
                            const struct toll_grpc_client_settings *set) TOLL_MUST_CHECK;

struct toll_grpc_request {
	const char *method; /* "/package.Service/Method" */
	char *take_body;    /* malloc'ed; the client's from here, also on failure */
	size_t size;
	uint64_t timeout_ns; /* UINT64_MAX: none */
};

/* Any thread. done runs exactly once, on the client's thread, perhaps before this returns; it may
 * send further requests. TOLL_ENOMEM, TOLL_ESHUTDOWN (being freed): not sent, done is not called.
 */
int toll_grpc_client_send(struct toll_grpc_client *c, const struct toll_grpc_request *q,
                          void (*done)(void *ctx, const struct toll_grpc_reply *r),
                          void *ctx) TOLL_MUST_CHECK;

/* The same with a request that is copied. */
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
