/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.h - one HTTP or HTTPS request, start to end. Blocks: for a component's own thread, or
 * a verb. A GET unless it says otherwise. */
#ifndef TOLL_NET_HTTP_CLIENT_H
#define TOLL_NET_HTTP_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* An answer that is none: what the server says of it. */
struct toll_http_refusal {
	unsigned status; /* 0: there was no answer */
	char text[1024]; /* the beginning of its body */
};

/* What is known of the last answer (RFC 9110, section 8.8.3). */
struct toll_http_etag {
	char text[256]; /* asked with as If-None-Match, unless empty; then the answer's, "": none */
	bool unchanged; /* the answer was 304: there is no body, the last one holds */
};

struct toll_http_get {
	const char *url;     /* http or https; at most three redirects, never from https to http */
	uint64_t timeout_ns; /* for everything: names, connecting, redirects, the last byte */
	size_t max_bytes;    /* of the body */
	const atomic_bool *abort; /* may be NULL; looked at about once a second */
	const char *bearer;       /* a token to show; NULL: none. Not shown to another host. */
	const char *ca_file;      /* PEM; NULL: the system's */
	const char *cert_file, *key_file; /* PEM: ours, both or none */
	bool skip_verify;                 /* believe any certificate */
	const char *method;    /* NULL: GET. Others are never sent a second time: no redirects */
	const char *content;   /* the body of another method, JSON; NULL: none */
	const char *unix_path; /* this socket, whatever host the URL says; NULL: the host's */
	bool no_proxy;         /* also where the environment names one */
	struct toll_http_etag *etag; /* NULL: not asked with, and 304 is a failure */
	/* May be NULL. Set: the body is handed over line by line, without its newline, as it comes,
	 * and is not kept; max_bytes is then of one line. Negative ends it with that error. */
	int (*on_line)(void *ctx, char *line, size_t len);
	void *ctx;
	struct toll_http_refusal *refusal; /* may be NULL; filled where the status is not 200 */
};

/* The body of a 200 answer, all of it: *ret_body is malloc'ed and has a NUL behind its end; NULL
 * where etag says that nothing changed.
 * TOLL_EDOWN: no connection, or it broke; TOLL_ETIMEOUT; TOLL_EREFUSED: another status, or no HTTP;
 * TOLL_ETOOBIG; TOLL_EINVALID: no such URL; TOLL_ESHUTDOWN: aborted; TOLL_ENOMEM. The sentence
 * names the URL, without its password. With on_line the result is what was left behind the last
 * newline. */
int toll_http_get(const struct toll_http_get *get, char **ret_body, size_t *ret_len,
                  struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
