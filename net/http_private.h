/* SPDX-License-Identifier: Apache-2.0 */
/* http_private.h - what the files of the HTTP server share. */
#ifndef TOLL_NET_HTTP_PRIVATE_H
#define TOLL_NET_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <sys/types.h>

#include "net/endpoint.h"
#include "net/http_linger.h"
#include "net/http_server.h"
#include "net/http_tls.h"
#include "net/unix_socket.h"

/* Only its worker's thread touches it. */
struct toll_http_connection {
	struct toll_http_worker *worker;
	int fd;
	uint64_t deadline_mono_ns;
	struct toll_tls_material *material; /* of its TLS session; NULL: plain text */
	bool used, busy;                    /* busy: a request is inside */
	bool linger;                        /* answered before the body came */
};

struct toll_http_worker {
	struct toll_http_server *server;
	unsigned index, limit; /* of connections */
	struct MHD_Daemon *daemon;
	struct toll_tls_material *material;       /* what the daemon began with */
	struct toll_http_connection *connections; /* limit of them */
	struct toll_http_linger lingering;
	pthread_t thread;
	int wake_fd;
	bool running;
	/* Quiet: no new connections, answers say that theirs ends. Closed: no new requests. */
	bool quiet, closed;
	uint64_t quiet_until_mono_ns;
};

struct toll_http_server {
	struct toll_http_settings set;
	struct toll_http_service service;
	struct toll_http_worker *workers;
	struct toll_http_counts counts;
	atomic_bool closing, cut, stop; /* cut: the deadline is over, every connection ends */
	pthread_mutex_t lock;           /* guards the three */
	pthread_cond_t changed;         /* one of them became 0 */
	size_t open;                    /* workers that are not closed */
	size_t inside; /* requests between their headers and the last byte of their answer */
	size_t owed;   /* given to the service, not answered */
	int listen_fd;
	uint16_t port;
	struct toll_unix_socket at; /* where it is no port */
	char url[TOLL_ENDPOINT_MAX + 8];
};

/* ---- http_server.c ---- */

/* Any thread. Leaving is the last use of s: whoever waits for 0 may free it then. */
void toll_http_enter(struct toll_http_server *s, size_t *count);
void toll_http_leave(struct toll_http_server *s, size_t *count);

/* ---- http_worker.c ---- */

int toll_http_worker_start(struct toll_http_worker *w) TOLL_MUST_CHECK;
void toll_http_worker_wake(struct toll_http_worker *w);
/* Ends the thread and every connection; accepts one that never started. */
void toll_http_worker_end(struct toll_http_worker *w);
/* Its worker's thread only. timeout UINT64_MAX: none. */
void toll_http_set_deadline(struct MHD_Connection *c, uint64_t timeout_ns);
void toll_http_set_busy(struct MHD_Connection *c, bool busy);
void toll_http_set_linger(struct MHD_Connection *c);

/* ---- http_message.c ---- */

/* NULL: out of memory. Takes r->body. */
struct MHD_Response *toll_http_make_response(const struct toll_http_server *s,
                                             struct toll_http_response *r);

/* ---- http_call.c: libmicrohttpd's callbacks; ctx is the worker ---- */

enum MHD_Result toll_http_on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *data_len, void **request_context);
void toll_http_on_completed(void *ctx, struct MHD_Connection *connection, void **request_context,
                            enum MHD_RequestTerminationCode how);

/* ---- http_route.c: the service that looks into the table of routes; ctx is the server ---- */

extern const struct toll_http_service toll_http_routes;

#endif
