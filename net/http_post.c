/* SPDX-License-Identifier: Apache-2.0 */
/* One thread drives libcurl's multi interface, which holds the connections. It sleeps in
 * curl_multi_poll() until a socket is ready, a time-out is due or a new request wakes it. */
#include "net/http_post.h"

#include <stdlib.h>

#include "base/thread.h"
#include "net/http_post_private.h"

enum { SLEEP_MS = 60 * 1000 };

/* ---- the thread ---- */

static void link_post(struct toll_http_posting **head, struct toll_http_posting *p)
{
	p->link = head;
	p->next = *head;
	if (p->next)
		p->next->link = &p->next;
	*head = p;
}

static void unlink_post(struct toll_http_posting *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
}

static void launch(struct toll_http_poster *p, struct toll_http_posting *post)
{
	post->curl = toll_curl_easy();
	if (!post->curl || toll_http_posting_fill(p, post) ||
	    curl_multi_add_handle(p->multi, post->curl) != CURLM_OK) {
		toll_http_posting_fail(post, TOLL_ENOMEM, "out of memory");
		return;
	}
	link_post(&p->flying, post);
}

/* False: it is time to end. */
static bool launch_queued(struct toll_http_poster *p)
{
	struct toll_http_posting *queue, *next;
	bool quit;

	pthread_mutex_lock(&p->lock);
	quit = p->quit;
	queue = p->queue;
	p->queue = NULL;
	p->queue_end = &p->queue;
	pthread_mutex_unlock(&p->lock);
	for (; queue; queue = next) {
		next = queue->next;
		if (quit)
			toll_http_posting_fail(queue, TOLL_ESHUTDOWN, "shutting down");
		else
			launch(p, queue);
	}
	return !quit;
}

static void finish_all(struct toll_http_poster *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		CURLcode code = m->data.result;
		struct toll_http_posting *post = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &post);
		curl_multi_remove_handle(p->multi, post->curl);
		unlink_post(post);
		toll_http_posting_finish(post, code);
	}
}

static void give_up_all(struct toll_http_poster *p)
{
	struct toll_http_posting *next;

	for (struct toll_http_posting *post = p->flying; post; post = next) {
		next = post->next;
		curl_multi_remove_handle(p->multi, post->curl);
		toll_http_posting_fail(post, TOLL_ESHUTDOWN, "shutting down");
	}
	p->flying = NULL;
}

static void *run(void *arg)
{
	struct toll_http_poster *p = arg;
	int running;

	while (launch_queued(p)) {
		/* These fail only for want of memory, and then nothing is lost by trying again. */
		curl_multi_perform(p->multi, &running);
		finish_all(p);
		curl_multi_poll(p->multi, NULL, 0, SLEEP_MS, NULL);
	}
	give_up_all(p);
	return NULL;
}

int toll_http_post(struct toll_http_poster *p, char *take_body, size_t len,
                   void (*done)(void *ctx, const struct toll_http_reply *r), void *ctx)
{
	struct toll_http_posting *post = calloc(1, sizeof(*post));
	bool quit;

	if (!post) {
		free(take_body);
		return TOLL_ENOMEM;
	}
	*post = (struct toll_http_posting){
		.body = take_body, .len = len, .done = done, .ctx = ctx
	};
	pthread_mutex_lock(&p->lock);
	quit = p->quit;
	if (!quit) {
		*p->queue_end = post;
		p->queue_end = &post->next;
	}
	pthread_mutex_unlock(&p->lock);
	if (quit) {
		toll_http_posting_free(post);
		return TOLL_ESHUTDOWN;
	}
	curl_multi_wakeup(p->multi);
	/* The queue has it. */
	/* cppcheck-suppress memleak */
	return 0;
}

void toll_http_poster_set_tls(struct toll_http_poster *p, const struct toll_http_client_tls *tls)
{
	pthread_mutex_lock(&p->lock);
	p->tls = *tls;
	pthread_mutex_unlock(&p->lock);
}

/* ---- life ---- */

static int set_up(struct toll_http_poster *p, const struct toll_http_poster_settings *set,
                  struct toll_error *reterr)
{
	int err;

	p->multi = toll_curl_multi();
	if (!p->multi)
		return toll_fail(reterr, TOLL_ENOMEM, "the HTTP library does not start");
	err = toll_http_poster_set_url(p, set, reterr);
	if (err)
		return err;
	if (set->proxy && !(p->proxy = strdup(set->proxy)))
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (!toll_http_poster_add_headers(p, set))
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = toll_thread_start(&p->thread, set->thread, run, p);
	if (err)
		return toll_fail(reterr, err, "no thread: %s", toll_err_text(err));
	p->started = true;
	return 0;
}

int toll_http_poster_new(const struct toll_http_poster_settings *set, struct toll_http_poster **ret,
                         struct toll_error *reterr)
{
	struct toll_http_poster *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	p->timeout_ns = set->timeout_ns;
	p->idle_timeout_ns = set->idle_timeout_ns;
	p->no_keep_alive = set->no_keep_alive;
	p->tls = set->tls;
	p->queue_end = &p->queue;
	pthread_mutex_init(&p->lock, NULL);
	err = set_up(p, set, reterr);
	if (err) {
		toll_http_poster_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

static void end_thread(struct toll_http_poster *p)
{
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_mutex_unlock(&p->lock);
	curl_multi_wakeup(p->multi);
	pthread_join(p->thread, NULL);
}

struct toll_http_poster *toll_http_poster_free(struct toll_http_poster *p)
{
	if (!p)
		return NULL;
	if (p->started)
		end_thread(p);
	curl_multi_cleanup(p->multi);
	curl_slist_free_all(p->headers);
	curl_slist_free_all(p->connect);
	pthread_mutex_destroy(&p->lock);
	free(p->proxy);
	free(p->url);
	free(p);
	return NULL;
}
