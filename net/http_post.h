/* SPDX-License-Identifier: Apache-2.0 */
/* http_post.h - POSTs to one URL: connections are kept, many requests in flight, one thread.
 *
 * HTTP/1.1, over TLS also HTTP/2 where the server has it. Redirects are not followed: what a
 * request carries, secrets in headers too, was meant for that server. Proxies as libcurl finds them
 * in the environment (http_proxy, HTTPS_PROXY, NO_PROXY), never for this machine itself. */
#ifndef TOLL_NET_HTTP_POST_H
#define TOLL_NET_HTTP_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_http_poster;

struct toll_http_header {
	const char *name;
	struct toll_slice value; /* no control characters */
};

/* Texts are borrowed: until they are replaced, or the poster is freed. */
struct toll_http_client_tls {
	const char *ca_pem;             /* NULL: the system's */
	const char *cert_pem, *key_pem; /* ours, or NULL */
	const char *server_name;        /* what the certificate must say; NULL: the URL's host */
	bool skip_verify;
	int min_version, max_version; /* 12, 13; 0: 12, the newest */
};

struct toll_http_poster_settings {
	const char *url;    /* http or https */
	const char *thread; /* at most 15 bytes */
	const char *proxy;  /* NULL: as the environment says */
	const struct toll_http_header
		*headers; /* with every request; Content-Type is one of them */
	size_t header_count;
	struct toll_http_client_tls tls;
	uint64_t timeout_ns;      /* of one request, connecting included; 0: none */
	uint64_t idle_timeout_ns; /* a connection idle for longer is not used again; 0: libcurl's */
	bool no_keep_alive;
};

/* Borrowed for the length of the callback. */
struct toll_http_reply {
	int err;                  /* 0: the server has answered, with a status from 200 on */
	const char *why;          /* of err */
	int status;               /* while err is 0 */
	const char *content_type; /* of the body; "" when the server does not say */
	bool incomplete;          /* the body ended early: connection lost, or larger than 64 KiB */
	struct toll_slice body;
	uint64_t retry_after_ns; /* Retry-After, as seconds or as a date; 0: none */
};

/* http or https, with a host. TOLL_EINVALID with a sentence that shows no password. */
int toll_http_check_url(const char *url, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Without "user:password@", cut to size; returns buf. */
const char *toll_url_shown(const char *url, char *buf, size_t size);

int toll_http_poster_new(const struct toll_http_poster_settings *set, struct toll_http_poster **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
/* What is in flight is answered with TOLL_ESHUTDOWN. Not from a callback. Always returns NULL. */
struct toll_http_poster *toll_http_poster_free(struct toll_http_poster *p);

/* Any thread. done runs exactly once, on the poster's thread; it may post again. TOLL_ENOMEM,
 * TOLL_ESHUTDOWN: not started, done is not called. body is the poster's in any case. */
int toll_http_post(struct toll_http_poster *p, char *take_body, size_t len,
                   void (*done)(void *ctx, const struct toll_http_reply *r),
                   void *ctx) TOLL_MUST_CHECK;

/* Any thread: for requests from here on. */
void toll_http_poster_set_tls(struct toll_http_poster *p, const struct toll_http_client_tls *tls);

#endif
