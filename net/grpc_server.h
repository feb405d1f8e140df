/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server.h - unary gRPC services on gRPC C core: one completion queue and thread per worker.
 *
 * What core does badly is kept from it: messages arrive compressed as they were sent, a method
 * that nobody serves is answered at once, and a call whose message does not arrive, or whose answer
 * is not read, is cancelled. */
#ifndef TOLL_NET_GRPC_SERVER_H
#define TOLL_NET_GRPC_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_grpc_server;
struct toll_grpc_call;
struct toll_tls_server;

enum toll_grpc_encoding {
	TOLL_GRPC_IDENTITY = 0,
	TOLL_GRPC_GZIP,
	TOLL_GRPC_OTHER, /* core knows it, we do not */
};

struct toll_grpc_method {
	const char *path; /* "/package.Service/Method" */
	/* On a worker's thread; the next request of that worker waits for it. Ends in exactly one
	 * toll_grpc_answer(), now or later. The request's message is gone when this returns. */
	void (*handle)(void *ctx, struct toll_grpc_call *call);
	void *ctx;
};

#define TOLL_GRPC_FOREVER UINT64_MAX

/* 0 means the default in brackets. */
struct toll_grpc_server_settings {
	const char *endpoint; /* "localhost:4317" (net/endpoint.h) or "unix:/path" */
	const char *setting;  /* the YAML path that chose it, for the sentence when it fails */
	const char *thread;   /* of the workers, at most 15 bytes */
	const struct toll_grpc_method *methods; /* borrowed until free */
	size_t method_count;
	unsigned workers;                /* [1] */
	struct toll_tls_server *tls;     /* [none: plain text] borrowed until free */
	size_t call_size;                /* bytes for the handler in every call, see below */
	size_t max_message_bytes;        /* [4 MiB] on the wire; more: RESOURCE_EXHAUSTED */
	size_t read_buffer_bytes;        /* [512 KiB] most that is read from a socket at once */
	size_t memory_bytes;             /* [none] core's buffers for all connections */
	unsigned max_streams;            /* [100] calls at once on one connection */
	uint64_t handshake_timeout_ns;   /* [5 s] from accept to the client's SETTINGS */
	uint64_t message_timeout_ns;     /* [30 s] from a call's headers to its message */
	uint64_t answer_timeout_ns;      /* [30 s] from the answer to its last byte on its way */
	uint64_t max_connection_idle_ns; /* [for ever] */
	uint64_t max_connection_age_ns;  /* [for ever] */
	uint64_t max_connection_age_grace_ns; /* [for ever] */
	uint64_t keepalive_time_ns;           /* [2 h] */
	uint64_t keepalive_timeout_ns;        /* [20 s] */
	uint64_t keepalive_min_time_ns;       /* [5 min] pings more often than this: closed */
	bool keepalive_permit_without_stream;
	/* [no] Messages are small and answered before handle() returns: no timer for the client's
	 * deadline, no measuring of how much the connection can hold. */
	bool quick;
};

/* For a process with a quick server, before core is first used (then it does nothing) and on the
 * main thread: each queue waits for the connections of its own server, instead of any queue's
 * thread for all of them, which passes every event on to another thread (docs/adr/0028).
 * GRPC_POLL_STRATEGY in the environment goes before it. */
void toll_grpc_prefer_own_polls(void);

/* Listens and answers when this returns 0. A port that is busy is TOLL_EFULL. */
int toll_grpc_server_new(const struct toll_grpc_server_settings *set, struct toll_grpc_server **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
/* "127.0.0.1:4317", where clients on this machine find it; valid as long as the server. */
const char *toll_grpc_server_address(const struct toll_grpc_server *s);

/* Listens no more and takes no new calls; those inside go on. Returns at once. Legal twice. */
void toll_grpc_server_close(struct toll_grpc_server *s);
/* Closes and waits for those inside to be answered; cancels the rest at the deadline.
 * False: some handlers still owe their answer. Legal twice. */
bool toll_grpc_server_stop(struct toll_grpc_server *s, uint64_t deadline_mono_ns);
/* After stop() was true. Always returns NULL. */
struct toll_grpc_server *toll_grpc_server_free(struct toll_grpc_server *s);

/* Calls that no handler saw, and the unread. Any thread. */
struct toll_grpc_server_counts {
	atomic_uint_fast64_t unknown_methods;
	atomic_uint_fast64_t lost;    /* cancelled by the client, or too large */
	atomic_uint_fast64_t overdue; /* no message within message_timeout_ns */
	atomic_uint_fast64_t unread;  /* answered, but not read within answer_timeout_ns */
};
const struct toll_grpc_server_counts *toll_grpc_server_counts(const struct toll_grpc_server *s);

/* ---- inside a handler ---- */

/* call_size bytes, not cleared, the handler's until it answers. */
void *toll_grpc_call_data(struct toll_grpc_call *c);
struct toll_grpc_call *toll_grpc_call_of(void *data); /* the other way round */

/* The message as it was sent. Valid until handle() returns. */
enum toll_grpc_encoding toll_grpc_call_encoding(const struct toll_grpc_call *c);
size_t toll_grpc_call_size(const struct toll_grpc_call *c);
/* Copies it, size bytes, and gives core's memory back: the message is gone. */
void toll_grpc_call_take(struct toll_grpc_call *c, char *out);

unsigned toll_grpc_call_worker(const struct toll_grpc_call *c); /* 0 .. workers - 1 */
/* "127.0.0.1:40312", "[::1]:40312", "unix"; cut to size. */
void toll_grpc_call_peer(const struct toll_grpc_call *c, char *buf, size_t size);

/* The first value of a header, or NULL, 0 when there is none; the name in lower case. Valid until
 * the answer. */
struct toll_slice toll_grpc_call_header(const struct toll_grpc_call *c, const char *name);
/* The name in the client's verified certificate: its first URI, else its first DNS name, else its
 * common name; "" when there is none. Cut to size. Returns buf. */
const char *toll_grpc_call_client(const struct toll_grpc_call *c, char *buf, size_t size);

struct toll_grpc_answer {
	int status;                 /* gRPC code, 0: OK */
	const char *message;        /* what is wrong; static, NULL: nothing */
	struct toll_slice response; /* while status is 0; copied */
	struct toll_slice details;  /* for grpc-status-details-bin; copied; empty: none */
};

/* Any thread, exactly once, the last use of the call. Many answers: net/grpc_stream.h. */
void toll_grpc_answer(struct toll_grpc_call *c, const struct toll_grpc_answer *a);

#endif
