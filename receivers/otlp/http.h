/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - what the files of the HTTP engine share.
 *
 * http.c         the engine: requests with their bodies, life
 * http_admit.c   with the headers, before any of the body: who may go on
 * http_answer.c  what a client is told */
#ifndef TOLL_RECEIVERS_OTLP_HTTP_H
#define TOLL_RECEIVERS_OTLP_HTTP_H

#include "net/http_server.h"
#include "receivers/otlp/cors.h"
#include "receivers/otlp/http_headers.h"
#include "receivers/otlp/otlp.h"

struct toll_otlp_http {
	struct toll_otlp_engine super;
	struct toll_http_server *server;
	struct toll_http_service service;
	struct toll_otlp_cors cors;
	struct toll_http_header *headers; /* response_headers */
	unsigned codings;                 /* bits of enum toll_encoding */
	char coding_names[TOLL_CODINGS_MAX];
	char path[TOLL_OTLP_PATH_MAX + 2];
	char unknown_path[320], unknown_coding[128];
};

/* In every call. */
struct toll_otlp_http_request {
	struct toll_otlp_request otlp;
	enum toll_encoding encoding;
	enum toll_otlp_format format;
	char identity[TOLL_IDENTITY_MAX];
	bool has_format;     /* the client's language: else it is told in plain text */
	char retry_after[8]; /* seconds, as text */
	const char *origin;  /* the page that sent it, or NULL */
};

static inline struct toll_otlp_http *toll_otlp_http_of(struct toll_otlp_engine *e)
{
	return toll_container_of(e, struct toll_otlp_http, super);
}

/* http_admit.c: of struct toll_http_service; ctx is the struct toll_otlp_http. */
bool toll_otlp_http_admit(void *ctx, struct toll_http_call *c, struct toll_http_response *r);

/* ---- http_answer.c ---- */

struct toll_otlp_refusal {
	unsigned status; /* of HTTP */
	int code;        /* of google.rpc.Status */
	const char *why;
	bool again; /* the client is to come again */
};

struct toll_otlp_refusal toll_otlp_refusal_of(int err, const char *why);
/* Fills r for a request that does not get to toll_otlp_export(), and counts it. Returns false, as
 * admit() does then. */
bool toll_otlp_http_refuse(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                           struct toll_otlp_refusal f, struct toll_http_response *r);
/* Of struct toll_otlp_engine_ops. */
void toll_otlp_http_answer(struct toll_otlp_request *r, int err, const char *why);

#endif
