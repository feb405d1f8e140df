/* SPDX-License-Identifier: Apache-2.0 */
/* http_server.h - a small HTTP/1.1 server on a thread of its own: metrics, health, admin API.
 *
 * Everything is bounded: connections, header and body bytes, and the time a connection may take to
 * send its request and to receive its answer, however slowly either trickles. */
#ifndef TOLL_NET_HTTP_SERVER_H
#define TOLL_NET_HTTP_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/* Borrowed for the length of the handler's call. */
struct toll_http_request {
	const char *method; /* "GET"; a HEAD request arrives as GET */
	const char *path;   /* decoded, without the query */
	struct toll_slice body;
	void *connection; /* for the two look-ups */
};

/* Of the query string, decoded; NULL when absent, "" when it has no value. */
const char *toll_http_query(const struct toll_http_request *q, const char *name);
/* NULL when absent; the name in any case. */
const char *toll_http_header(const struct toll_http_request *q, const char *name);

#define TOLL_HTTP_HEADERS 4

/* What the handler fills in; preset to 200 without a body. */
struct toll_http_response {
	unsigned status;
	const char *content_type; /* must outlive the call; NULL: text/plain */
	char *body;               /* from malloc; the server frees it, whatever happens */
	size_t len;
	struct {
		const char *name, *value; /* must outlive the call; name NULL: unused */
	} headers[TOLL_HTTP_HEADERS];
};

/* body = printf; a failed allocation makes the answer a 503. */
void toll_http_printf(struct toll_http_response *r, const char *fmt, ...) TOLL_PRINTF(2, 3);

struct toll_http_route {
	const char *method; /* "GET" answers HEAD too */
	const char *path;   /* with a '/' at its end: everything below it as well */
	/* On the server's thread, one call at a time: must be quick. */
	void (*handle)(void *ctx, const struct toll_http_request *q, struct toll_http_response *r);
	void *ctx;
};

struct toll_http_settings {
	const char *endpoint; /* "localhost:8888", see net/endpoint.h */
	const char *setting;  /* the YAML path that chose it, for the sentence when it fails */
	const char *thread;   /* thread name, at most 15 bytes */
	const struct toll_http_route *routes; /* borrowed until free; the longest match wins */
	size_t route_count;
	/* 0: the default in brackets */
	unsigned max_connections;    /* [64] */
	size_t max_header_bytes;     /* [16 KiB] request line and headers */
	size_t max_body_bytes;       /* [none allowed] */
	uint64_t header_timeout_ns;  /* [5 s] from accept to the end of the headers */
	uint64_t request_timeout_ns; /* [30 s] from there to the last byte of the answer */
	uint64_t idle_timeout_ns;    /* [60 s] between two requests of one connection */
};

struct toll_http_server;

/* Listens and answers when this returns 0. A port that is busy is TOLL_EFULL. */
int toll_http_server_new(const struct toll_http_settings *set, struct toll_http_server **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
/* Stops answering, closes every connection; no handler runs afterwards. Always returns NULL. */
struct toll_http_server *toll_http_server_free(struct toll_http_server *s);
/* The port in use, where the endpoint said 0. */
uint16_t toll_http_server_port(const struct toll_http_server *s);
/* "http://127.0.0.1:8888", valid as long as the server. */
const char *toll_http_server_url(const struct toll_http_server *s);

#endif
