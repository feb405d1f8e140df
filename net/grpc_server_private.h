/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server_private.h - what the server's files share.
 *
 * grpc_server.c          life: settings, start, close, stop
 * grpc_server_core.c     what core is told: limits, memory, what it is not to do
 * grpc_server_listen.c   where it listens, and the server before it that a reload replaces
 * grpc_server_worker.c   a worker's thread: calls armed, received, handled
 * grpc_server_call.c     one call: made, kept, ended; what handlers read of it
 * grpc_server_answer.c   the answer, and clients that do not read theirs
 * grpc_stream.c          many messages in place of one answer
 *
 * Functions that take a worker are for its thread only. */
#ifndef TOLL_NET_GRPC_SERVER_PRIVATE_H
#define TOLL_NET_GRPC_SERVER_PRIVATE_H

#include <grpc/grpc.h>
#include <pthread.h>

#include "net/endpoint.h"
#include "net/grpc_server.h"
#include "net/grpc_tls.h"
#include "net/unix_socket.h"

/* In the low bits of a tag: which of a call's events this is. */
enum toll_grpc_step {
	TOLL_GRPC_STEP_REQUEST = 0,
	TOLL_GRPC_STEP_MESSAGE,
	TOLL_GRPC_STEP_ANSWERED,
	TOLL_GRPC_STEP_STREAM_BEGUN, /* from here: grpc_stream.c */
	TOLL_GRPC_STEP_STREAM_SENT,
	TOLL_GRPC_STEP_STREAM_CLOSED,
	TOLL_GRPC_STEP_STREAM_ENDED,
	TOLL_GRPC_STEP_MASK = 7
};

struct toll_grpc_call {
	struct toll_grpc_worker *worker;
	struct toll_grpc_call *prev, *next; /* in a list of the worker; next alone among the kept */
	grpc_call *call;
	atomic_bool baton;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *message, *response;
	const struct toll_grpc_method *method;
	uint64_t since_mono_ns; /* in its list */
	grpc_slice text;
	grpc_metadata trailer;
	int cancelled; /* before the answer: by us, because it was overdue */
	bool has_trailer, in_answered;
	const struct toll_grpc_stream_events *stream; /* these are for streams alone */
	atomic_uint pending;                          /* batches that have not come back */
	atomic_bool ended;
	bool sending, ending; /* guarded by the worker's answered_lock */
	int end_status;
	_Alignas(max_align_t) char data[];
};

/* In order of time. */
struct toll_grpc_calls {
	struct toll_grpc_call *oldest, *newest;
};

struct toll_grpc_worker {
	struct toll_grpc_server *server;
	grpc_completion_queue *queue;
	pthread_t thread;
	bool running;
	unsigned index;
	/* The thread's own. */
	unsigned armed, kept_count;
	struct toll_grpc_call *kept;
	struct toll_grpc_calls receiving;
	/* Calls join it on the thread that answers and leave it on the worker's. */
	pthread_mutex_t answered_lock;
	struct toll_grpc_calls answered;
};

struct toll_grpc_server {
	struct toll_grpc_server_settings set;
	struct toll_grpc_server *next;       /* of the live ones */
	struct toll_endpoint bound;          /* numeric */
	struct toll_unix_socket at;          /* where it is no port */
	char place[TOLL_ENDPOINT_MAX + 128]; /* setting and endpoint */
	grpc_server *core;
	grpc_resource_quota *quota;
	struct toll_grpc_tls tls;
	struct toll_grpc_worker *workers;
	struct toll_grpc_server_counts counts;
	atomic_bool stopping;
	atomic_uint calls;    /* armed or inside */
	pthread_mutex_t lock; /* guards closed and the end of calls */
	pthread_cond_t changed;
	bool shut, closed; /* core was told to stop; core has let go of every connection */
	char address[TOLL_ENDPOINT_MAX];
};

/* ---- grpc_server.c; any thread ---- */

extern char toll_grpc_closed_tag; /* its address marks the end of core's shutdown */
void toll_grpc_server_closed(struct toll_grpc_server *s);
/* An armed call has come to its end; the last use of s. */
void toll_grpc_server_leave(struct toll_grpc_server *s);

/* ---- grpc_server_core.c ---- */

/* Makes s->core, and a queue for every worker. */
void toll_grpc_make_core(struct toll_grpc_server *s);

/* ---- grpc_server_listen.c ---- */

/* Opens what the settings name, and is found by the server that comes after it. */
int toll_grpc_open_port(struct toll_grpc_server *s, struct toll_error *reterr) TOLL_MUST_CHECK;
/* It is found no more, and its path is gone. Legal twice, and without having opened one. */
void toll_grpc_leave_place(struct toll_grpc_server *s);

/* ---- grpc_server_worker.c ---- */

void *toll_grpc_worker_serve(void *worker); /* until its queue is shut down */

/* ---- grpc_server_call.c ---- */

/* Both stamp and order by the time of the append. */
void toll_grpc_calls_append(struct toll_grpc_calls *l, struct toll_grpc_call *c);
void toll_grpc_calls_remove(struct toll_grpc_calls *l, struct toll_grpc_call *c);

struct toll_grpc_call *toll_grpc_call_new(struct toll_grpc_worker *w); /* NULL: out of memory */
void toll_grpc_call_drop_message(struct toll_grpc_call *c);
/* The last use of c, and perhaps of its server: its worker keeps it or frees it. */
void toll_grpc_call_end(struct toll_grpc_call *c);
void toll_grpc_forget_kept(struct toll_grpc_worker *w);

static inline void *toll_grpc_tag(struct toll_grpc_call *c, enum toll_grpc_step step)
{
	return (char *)c + step;
}

/* ---- grpc_stream.c ---- */

void toll_grpc_stream_event(struct toll_grpc_call *c, enum toll_grpc_step step);

/* ---- grpc_server_answer.c ---- */

void toll_grpc_refuse(struct toll_grpc_call *c, int status, const char *why); /* why: static */
/* Core has done with the answer, or given it up. */
void toll_grpc_answer_sent(struct toll_grpc_call *c);
/* Clients that grant no window would keep their calls for ever. Their STEP_ANSWERED follows. */
void toll_grpc_cancel_unread(struct toll_grpc_worker *w);

#endif
