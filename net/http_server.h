/* SPDX-License-Identifier: Apache-2.0 */
/* http_server.h - HTTP/1.1 on threads of its own: metrics, health, admin API, OTLP/HTTP.
 *
 * Everything is bounded: connections, header and body bytes, and the time a connection may take to
 * send its request and to receive its answer, however slowly either trickles.
 *
 * Two ways to serve: a table of routes, answered before the handler returns; or a service, which
 * sees every request with its headers first and may answer later, from any thread. */
#ifndef TOLL_NET_HTTP_SERVER_H
#define TOLL_NET_HTTP_SERVER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/slice.h"

struct toll_http_call;
struct toll_http_server;
struct toll_tls_server;

/* Routes: borrowed for the length of the handler's call. Services: until the answer. */
struct toll_http_request {
	const char *method; /* "GET"; to routes a HEAD request arrives as GET */
	const char *path;   /* decoded, without the query */
	struct toll_slice body;
	int error;        /* why there is no body: TOLL_ETOOBIG, TOLL_EFULL, TOLL_ENOMEM; or 0 */
	void *connection; /* for the look-ups */
};

/* Of the query string, decoded; NULL when absent, "" when it has no value. */
const char *toll_http_query(const struct toll_http_request *q, const char *name);
/* Every argument of the query string in its order, decoded, until each answers false. */
void toll_http_query_each(const struct toll_http_request *q,
                          bool (*each)(void *ctx, const char *name, const char *value), void *ctx);
/* NULL when absent; the name in any case. The first, where there are several. */
const char *toll_http_header(const struct toll_http_request *q, const char *name);
/* "127.0.0.1:40312", "[::1]:40312", "unix"; cut to size. */
void toll_http_peer(const struct toll_http_request *q, char *buf, size_t size);

/* The name in the client's verified certificate: its first URI, else its first DNS name, else its
 * common name; "" when there is none. Cut to size. Returns buf. */
const char *toll_http_client_name(const struct toll_http_request *q, char *buf, size_t size);

#define TOLL_HTTP_HEADERS 8

struct toll_http_header {
	const char *name, *value;
};

/* What the handler fills in; preset to 200 without a body. */
struct toll_http_response {
	unsigned status;
	const char *content_type; /* must outlive the call; NULL: text/plain */
	char *body;               /* from malloc; the server frees it, whatever happens */
	size_t len;
	struct toll_http_header
		headers[TOLL_HTTP_HEADERS]; /* must outlive the call; name NULL: unused */
};

/* body = printf; a failed allocation makes the answer a 503. */
void toll_http_printf(struct toll_http_response *r, const char *fmt, ...) TOLL_PRINTF(2, 3);
/* body = a copy; as above. */
void toll_http_copy(struct toll_http_response *r, struct toll_slice body);
/* Takes the next unused header; there must be one. */
void toll_http_add_header(struct toll_http_response *r, const char *name, const char *value);

struct toll_http_route {
	const char *method; /* "GET" answers HEAD too */
	const char *path;   /* with a '/' at its end: everything below it as well */
	/* On a worker's thread, one call of that worker at a time: must be quick. */
	void (*handle)(void *ctx, const struct toll_http_request *q, struct toll_http_response *r);
	void *ctx;
};

struct toll_http_service {
	/* With the headers, before any of the body. False: r is the answer and the body, if one
	 * comes, is not kept. q->error TOLL_ETOOBIG: the body will be over max_body_bytes. */
	bool (*admit)(void *ctx, struct toll_http_call *c, struct toll_http_response *r);
	/* With the body, after admit() was true. On a worker's thread; that worker's other requests
	 * wait for it. Ends in exactly one toll_http_answer(), now or later. */
	void (*serve)(void *ctx, struct toll_http_call *c);
	void *ctx;
};

/* 0 or NULL: the default in brackets. */
struct toll_http_settings {
	const char *endpoint; /* "localhost:8888", see net/endpoint.h; or "unix:/path" */
	const char *setting;  /* the YAML path that chose it, for the sentence when it fails */
	const char *thread;   /* thread name, at most 15 bytes */
	const struct toll_http_route *routes; /* borrowed until free; the longest match wins */
	size_t route_count;
	const struct toll_http_service *service; /* instead of routes; borrowed until free */
	size_t call_size;                        /* bytes for the service in every call */
	const struct toll_http_header *headers;  /* of every answer; borrowed until free */
	size_t header_count;
	struct toll_tls_server *tls; /* [none: plain text] borrowed until free */
	struct toll_memory *memory;  /* [none] is charged with bodies before they are held */
	unsigned workers;            /* [1] threads */
	unsigned max_connections;    /* [64] over all workers */
	size_t max_header_bytes;     /* [16 KiB] request line and headers; a connection's buffer */
	size_t max_body_bytes;       /* [none allowed] */
	uint64_t header_timeout_ns;  /* [5 s] from accept to the end of the headers */
	uint64_t body_timeout_ns;    /* [30 s] from there to the end of the body */
	uint64_t answer_timeout_ns;  /* [30 s] from the answer to its last byte on its way */
	uint64_t idle_timeout_ns;    /* [60 s] between two requests of one connection */
	uint64_t quiet_ns;           /* [250 ms] at close, for kept connections to be told */
	bool close_connections;      /* [keep them] after one answer */
};

/* Listens and answers when this returns 0. A port that is busy is TOLL_EFULL. */
int toll_http_server_new(const struct toll_http_settings *set, struct toll_http_server **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
/* Listens no more; a quarter of a second later idle connections end. Requests inside go on, and
 * every answer says that its connection ends. Returns at once. Legal twice. */
void toll_http_server_close(struct toll_http_server *s);
/* Closes and waits until the requests inside are answered and their answers on the way; cuts the
 * rest at the deadline. False: the service still owes answers. Legal twice. */
bool toll_http_server_stop(struct toll_http_server *s, uint64_t deadline_mono_ns);
/* After stop() was true; of a server with routes at any time. No handler runs afterwards. Always
 * returns NULL. */
struct toll_http_server *toll_http_server_free(struct toll_http_server *s);
/* The port in use, where the endpoint said 0. */
uint16_t toll_http_server_port(const struct toll_http_server *s);
/* "http://127.0.0.1:8888", "unix:/path"; valid as long as the server. */
const char *toll_http_server_url(const struct toll_http_server *s);

/* Any thread. */
struct toll_http_counts {
	atomic_uint_fast64_t lost; /* headers came, the rest did not: gone, overdue, far too big */
	atomic_uint_fast64_t unread; /* answered, but the client was gone or did not read it */
};
const struct toll_http_counts *toll_http_server_counts(const struct toll_http_server *s);

/* ---- inside a service ---- */

const struct toll_http_request *toll_http_call_request(const struct toll_http_call *c);
/* call_size bytes, zero before admit(), the service's until it answers. */
void *toll_http_call_data(struct toll_http_call *c);
struct toll_http_call *toll_http_call_of(void *data);           /* the other way round */
unsigned toll_http_call_worker(const struct toll_http_call *c); /* 0 .. workers - 1 */
/* In serve(): the body is not needed any longer. */
void toll_http_call_drop_body(struct toll_http_call *c);
/* Any thread, exactly once after serve() was called, the last use of the call. Takes r->body. */
void toll_http_answer(struct toll_http_call *c, struct toll_http_response *r);

#endif
