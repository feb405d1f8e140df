/* SPDX-License-Identifier: Apache-2.0 */
/* http_post_private.h - what the files of the poster share.
 *
 * http_post.c          its thread, its queue, its life
 * http_post_request.c  one request: what libcurl is told, and the answer
 * http_post_target.c   what all of them have in common: URL, headers, name of the server */
#ifndef TOLL_NET_HTTP_POST_PRIVATE_H
#define TOLL_NET_HTTP_POST_PRIVATE_H

#include <pthread.h>

#include "net/http_library.h"
#include "net/http_post.h"

struct toll_http_posting {
	struct toll_http_posting *next, **link; /* of the queue or of those in flight */
	CURL *curl;
	char *body;
	size_t len;
	char *answer;
	size_t answer_len;
	bool cut; /* the answer is larger than we keep */
	void (*done)(void *ctx, const struct toll_http_reply *r);
	void *ctx;
	char why[CURL_ERROR_SIZE];
};

struct toll_http_poster {
	char *url, *proxy;
	struct curl_slist *headers, *connect;
	uint64_t timeout_ns, idle_timeout_ns;
	bool no_keep_alive;
	bool is_local; /* the URL's host is this machine */
	CURLM *multi;
	struct toll_http_posting *flying; /* the thread's */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* guards the rest */
	struct toll_http_client_tls tls;
	struct toll_http_posting *queue, **queue_end;
	bool quit;
};

/* ---- http_post_request.c; the thread's, but for free ---- */

void toll_http_posting_free(struct toll_http_posting *post);
/* Tells libcurl about it; post->curl is there. */
CURLcode toll_http_posting_fill(struct toll_http_poster *p, struct toll_http_posting *post);
/* libcurl is done with it: tells the caller and frees it. It is in no list. */
void toll_http_posting_finish(struct toll_http_posting *post, CURLcode code);
/* The same without an answer. why: borrowed. */
void toll_http_posting_fail(struct toll_http_posting *post, int err, const char *why);

/* ---- http_post_target.c; before the thread starts ---- */

int toll_http_poster_set_url(struct toll_http_poster *p,
                             const struct toll_http_poster_settings *set,
                             struct toll_error *reterr) TOLL_MUST_CHECK;
/* False: out of memory. */
bool toll_http_poster_add_headers(struct toll_http_poster *p,
                                  const struct toll_http_poster_settings *set);

#endif
