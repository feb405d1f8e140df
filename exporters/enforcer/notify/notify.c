/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/notify/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "exporters/enforcer/notify/notify_queue.h"
#include "exporters/enforcer/notify/notify_text.h"
#include "net/http_post.h"
#include "pipeline/client_pem.h"

#define BACK_OFF_FIRST  TOLL_S
#define BACK_OFF_MAX    (60 * TOLL_S)
#define RETRY_AFTER_MAX (3600 * TOLL_S)
#define IDLE_NS         (60 * TOLL_S)

struct webhook {
	struct toll_notifier *owner;
	const struct toll_webhook_config *config;
	struct toll_http_poster *poster;
	struct toll_client_pems pems;
	char shown[128]; /* scheme and host: the rest may be a secret */
	/* Guarded by the owner's lock. */
	struct toll_notify_queue queue;
	uint64_t retry_at_ns;          /* no request before */
	uint32_t failures;             /* in a row */
	uint64_t dropped, passed_over; /* of the queue, counted so far */
};

struct toll_notifier {
	const char *who;
	struct toll_counters *counters;
	size_t count;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* guards the queues and what follows */
	pthread_cond_t changed;
	uint64_t quit_ns; /* deadline of the end; 0: not yet */
	struct webhook hooks[];
};

/* What the queue has counted since it was last asked. Under the lock. */
static void count_queue(struct webhook *w)
{
	const struct toll_notify_queue *q = &w->queue;
	struct toll_counters *c = w->owner->counters;

	toll_counter_add(c, TOLL_COUNTER_NOTICES_DROPPED, q->dropped - w->dropped);
	toll_counter_add(c, TOLL_COUNTER_NOTICES_PASSED_OVER, q->passed_over - w->passed_over);
	w->dropped = q->dropped;
	w->passed_over = q->passed_over;
}

/* ---- answers; the poster's thread ---- */

static bool is_worth_repeating(const struct toll_http_reply *r)
{
	return r->err || r->status == 408 || r->status == 425 || r->status == 429 ||
	       r->status >= 500;
}

static uint64_t wait_ns(const struct webhook *w, const struct toll_http_reply *r)
{
	uint64_t wait = w->failures < 7 ? BACK_OFF_FIRST << (w->failures - 1) : BACK_OFF_MAX;
	uint64_t asked = r->err ? 0 : r->retry_after_ns;

	wait = wait < BACK_OFF_MAX ? wait : BACK_OFF_MAX;
	asked = asked < RETRY_AFTER_MAX ? asked : RETRY_AFTER_MAX;
	return wait > asked ? wait : asked;
}

static void tell_failure(const struct webhook *w, const struct toll_http_reply *r)
{
	struct toll_slice body = toll_slice_cut(r->body, 80);

	if (r->err)
		TOLL_WARN(w->owner->who, "webhook %s: %s; it is tried again", w->shown, r->why);
	else if (is_worth_repeating(r))
		TOLL_WARN(w->owner->who, "webhook %s answers %d; it is tried again", w->shown,
		          r->status);
	else
		TOLL_WARN(w->owner->who, "webhook %s refuses a message with %d: %.*s", w->shown,
		          r->status, TOLL_FMT(body));
}

static void note_reply(struct webhook *w, const struct toll_http_reply *r)
{
	struct toll_counters *c = w->owner->counters;
	uint64_t now = toll_clock_mono_ns();

	if (!r->err && r->status < 300) {
		toll_notify_queue_told(&w->queue, now);
		toll_counter_add(c, TOLL_COUNTER_NOTICES_SENT, 1);
		w->failures = 0;
		return;
	}
	toll_counter_add(c, TOLL_COUNTER_NOTICES_FAILED, 1);
	if (is_worth_repeating(r)) {
		toll_notify_queue_again(&w->queue);
		w->failures++;
		w->retry_at_ns = now + wait_ns(w, r);
	} else {
		toll_notify_queue_lost(&w->queue);
		toll_counter_add(c, TOLL_COUNTER_NOTICES_DROPPED, 1);
	}
}

static void on_reply(void *ctx, const struct toll_http_reply *r)
{
	struct webhook *w = ctx;
	struct toll_notifier *n = w->owner;

	if (r->err == TOLL_ESHUTDOWN)
		return; /* the end: it counts among what waits */
	if (r->err || r->status >= 300)
		tell_failure(w, r);
	pthread_mutex_lock(&n->lock);
	note_reply(w, r);
	count_queue(w);
	pthread_cond_signal(&n->changed);
	pthread_mutex_unlock(&n->lock);
}

/* ---- the notifier's thread; under its lock ---- */

/* When this webhook has something to do; UINT64_MAX: nothing. A bad one is not waited for at the
 * end. */
static uint64_t due_ns(const struct webhook *w, bool ending)
{
	uint64_t due;

	if (w->queue.flying)
		return UINT64_MAX;
	due = toll_notify_queue_due_ns(&w->queue, ending);
	if (due == UINT64_MAX || !w->failures)
		return due;
	if (ending)
		return UINT64_MAX;
	return due > w->retry_at_ns ? due : w->retry_at_ns;
}

static void send_next(struct webhook *w, uint64_t now, bool ending)
{
	const struct toll_budget_event *e = toll_notify_queue_next(&w->queue, now, ending);
	size_t len = 0;
	char *body;

	if (!e)
		return;
	body = toll_notify_body((enum toll_webhook_format)w->config->format, e,
	                        w->queue.flying_passed_over, &len);
	if (body && toll_http_post(w->poster, body, len, on_reply, w) == 0)
		return;
	toll_notify_queue_again(&w->queue); /* no memory: later */
	w->failures++;
	w->retry_at_ns = now + BACK_OFF_FIRST;
}

static bool is_busy(const struct toll_notifier *n)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->hooks[i].queue.flying || due_ns(&n->hooks[i], true) != UINT64_MAX)
			return true;
	return false;
}

static bool is_over(const struct toll_notifier *n)
{
	return n->quit_ns && (toll_clock_mono_ns() >= n->quit_ns || !is_busy(n));
}

/* Sends what is due; returns when the next is. */
static uint64_t send_due(struct toll_notifier *n)
{
	uint64_t now = toll_clock_mono_ns(), next = now + IDLE_NS;
	bool ending = n->quit_ns > 0;

	for (size_t i = 0; i < n->count; i++) {
		uint64_t due = due_ns(&n->hooks[i], ending);

		if (due <= now)
			send_next(&n->hooks[i], now, ending);
		else if (due < next)
			next = due;
	}
	return ending && n->quit_ns < next ? n->quit_ns : next;
}

static void *run(void *arg)
{
	struct toll_notifier *n = arg;

	pthread_mutex_lock(&n->lock);
	while (!is_over(n)) {
		uint64_t next = send_due(n);

		toll_cond_wait_until(&n->changed, &n->lock, next);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

void toll_notifier_put(struct toll_notifier *n, const struct toll_budget_event *e)
{
	uint64_t now = toll_clock_mono_ns();

	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->count; i++) {
		toll_notify_queue_put(&n->hooks[i].queue, e, now);
		count_queue(&n->hooks[i]);
	}
	pthread_cond_signal(&n->changed);
	pthread_mutex_unlock(&n->lock);
}

static bool has_word(struct toll_slice list, const char *word)
{
	while (list.len) {
		const char *comma = memchr(list.ptr, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.ptr) : list.len;

		if (toll_slice_is(toll_slice(list.ptr, len), word))
			return true;
		list = comma ? toll_slice(comma + 1, list.len - len - 1) : toll_slice(NULL, 0);
	}
	return false;
}

void toll_notifier_change(struct toll_notifier *n, struct toll_slice subject,
                          struct toll_slice what, struct toll_slice note)
{
	struct toll_budget_event e = { 0 };

	if (!n)
		return;
	if (toll_event_parse(note, &e) < 0)
		e = (struct toll_budget_event){ 0 };
	if (!e.subject[0])
		snprintf(e.subject, sizeof(e.subject), "%.*s", TOLL_FMT(subject));
	if (!e.time_ms)
		e.time_ms = toll_clock_wall_ms();
	for (int i = 0; i <= TOLL_EVENT_BUDGET; i++) {
		e.what = (enum toll_event_what)i;
		if (has_word(what, toll_event_name(e.what)))
			toll_notifier_put(n, &e);
	}
}

/* ---- life ---- */

/* "https://hooks.slack.com" */
static void show_host(const char *url, char *buf, size_t size)
{
	char whole[512];
	const char *host = strstr(toll_url_shown(url, whole, sizeof(whole)), "://");
	size_t len = host ? (size_t)(host + 3 - whole) + strcspn(host + 3, "/?#") : 0;

	snprintf(buf, size, "%.*s", (int)len, whole);
}

static int open_poster(struct webhook *w, struct toll_error *reterr)
{
	const struct toll_webhook_config *c = w->config;
	struct toll_http_header *headers = malloc((c->headers.count + 1) * sizeof(*headers));
	const struct toll_http_poster_settings set = {
		.url = c->url.ptr,
		.thread = "toll-webhook",
		.headers = headers,
		.header_count = c->headers.count + 1,
		.tls = { TOLL_CLIENT_TLS_TRUST(&c->tls, &w->pems),
		         TOLL_CLIENT_TLS_VERSIONS(&c->tls) },
		.timeout_ns = c->timeout,
		.idle_timeout_ns = IDLE_NS,
	};
	int err;

	if (!headers)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	headers[0] = (struct toll_http_header){ "Content-Type", TOLL_SLICE("application/json") };
	for (size_t i = 0; i < c->headers.count; i++)
		headers[i + 1] = (struct toll_http_header){ c->headers.at[i].key.ptr,
			                                    c->headers.at[i].value };
	err = toll_http_poster_new(&set, &w->poster, reterr);
	free(headers);
	return err;
}

static int open_hook(struct webhook *w, struct toll_error *reterr)
{
	int err;

	show_host(w->config->url.ptr, w->shown, sizeof(w->shown));
	if (toll_notify_queue_init(&w->queue, toll_webhook_wanted(w->config), w->config->cooldown))
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = toll_client_pems_load(&w->config->tls, &w->pems, reterr);
	return err ? err : open_poster(w, reterr);
}

static int start(struct toll_notifier *n, struct toll_error *reterr)
{
	int err = toll_thread_start(&n->thread, "toll-notify", run, n);

	n->started = !err;
	return err ? toll_fail(reterr, err, "cannot start a thread") : 0;
}

int toll_notifier_new(const struct toll_group_list *hooks, const char *who,
                      struct toll_counters *counters, struct toll_notifier **ret,
                      struct toll_error *reterr)
{
	const struct toll_webhook_config *configs = hooks->at;
	struct toll_notifier *n = calloc(1, sizeof(*n) + hooks->count * sizeof(n->hooks[0]));
	int err = 0;

	if (!n)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	n->who = who;
	n->counters = counters;
	pthread_mutex_init(&n->lock, NULL);
	if (toll_cond_init(&n->changed)) {
		pthread_mutex_destroy(&n->lock);
		free(n);
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < hooks->count && !err; i++) {
		n->hooks[i] = (struct webhook){ .owner = n, .config = &configs[i] };
		n->count++;
		err = open_hook(&n->hooks[i], reterr);
	}
	if (!err)
		err = start(n, reterr);
	if (err) {
		toll_notifier_free(n, 0);
		return err;
	}
	*ret = n;
	return 0;
}

static void end_thread(struct toll_notifier *n, uint64_t deadline_ns)
{
	pthread_mutex_lock(&n->lock);
	n->quit_ns = deadline_ns ? deadline_ns : 1;
	pthread_cond_signal(&n->changed);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
}

static void close_hook(struct webhook *w)
{
	uint32_t left;

	w->poster = toll_http_poster_free(w->poster);
	left = toll_notify_queue_waiting(&w->queue);
	toll_counter_add(w->owner->counters, TOLL_COUNTER_NOTICES_DROPPED, left);
	if (left)
		TOLL_WARN(w->owner->who, "webhook %s: %" PRIu32 " message%s not delivered",
		          w->shown, left, TOLL_PLURAL(left));
	toll_notify_queue_release(&w->queue);
	toll_client_pems_release(&w->pems);
}

struct toll_notifier *toll_notifier_free(struct toll_notifier *n, uint64_t deadline_mono_ns)
{
	if (!n)
		return NULL;
	if (n->started)
		end_thread(n, deadline_mono_ns);
	for (size_t i = 0; i < n->count; i++)
		close_hook(&n->hooks[i]);
	pthread_cond_destroy(&n->changed);
	pthread_mutex_destroy(&n->lock);
	free(n);
	return NULL;
}
