/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - calls that stay: streams of the price book, and those that wait for a refresh. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "extensions/pricing_service/service.h"
#include "pipeline/host.h"
#include "proto/pricing.pb-c.h"

/* ---- lists, under the lock ---- */

static void link_caller(struct toll_pricing_caller **list, struct toll_pricing_caller *w)
{
	w->prev = NULL;
	w->next = *list;
	if (w->next)
		w->next->prev = w;
	*list = w;
	w->linked = true;
}

static void unlink_caller(struct toll_pricing_caller **list, struct toll_pricing_caller *w)
{
	if (w->prev)
		w->prev->next = w->next;
	else
		*list = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->linked = false;
}

/* ---- streams, under the lock ---- */

/* The book, or only that it holds, for who has this version. */
static void send_book(struct pricing_service *s, struct toll_pricing_caller *w,
                      const struct toll_edition *e)
{
	bool documents = strcmp(w->version, e->version) != 0;
	struct toll_pricing_body *body = documents ? toll_pricing_body(s, e) : NULL;
	char head[TOLL_PRICING_HEAD_MAX];

	if (documents && !body) {
		w->due = true; /* out of memory: at the next beat */
		return;
	}
	memcpy(w->version, e->version, sizeof(w->version));
	w->sending = true;
	atomic_fetch_add_explicit(&s->books, documents, memory_order_relaxed);
	toll_grpc_stream_send(toll_grpc_call_of(w), toll_pricing_head(s, e, documents, head),
	                      body ? toll_slice(body->bytes, body->len) : toll_slice(NULL, 0),
	                      body ? &body->shared : NULL);
}

/* What holds now; where a message is on its way, when that is sent. */
static void offer(struct pricing_service *s, struct toll_pricing_caller *w)
{
	struct toll_edition *e = toll_price_feed_get(s->feed);

	w->due = w->sending;
	if (e && !w->sending)
		send_book(s, w, e);
	toll_edition_unref(e);
}

static void on_sent(void *ctx, struct toll_grpc_call *c)
{
	struct pricing_service *s = ctx;
	struct toll_pricing_caller *w = toll_grpc_call_data(c);

	pthread_mutex_lock(&s->lock);
	w->sending = false;
	if (w->linked && w->due)
		offer(s, w);
	pthread_mutex_unlock(&s->lock);
}

static void drop_watcher(struct pricing_service *s, struct toll_pricing_caller *w, int status,
                         const char *why)
{
	unlink_caller(&s->watchers, w);
	s->watcher_count--;
	toll_grpc_stream_end(toll_grpc_call_of(w), status, why);
}

static void on_closed(void *ctx, struct toll_grpc_call *c)
{
	struct pricing_service *s = ctx;
	struct toll_pricing_caller *w = toll_grpc_call_data(c);

	pthread_mutex_lock(&s->lock);
	if (w->linked)
		drop_watcher(s, w, 0, NULL);
	pthread_mutex_unlock(&s->lock);
}

/* ---- calls ---- */

/* False: refused. */
static bool read_version(struct toll_grpc_call *c, char version[TOLL_EDITION_VERSION])
{
	char buf[TOLL_PRICING_REQUEST_MAX];
	size_t size;
	Spantoll__Pricing__V1__WatchPriceBookRequest *q;

	if (!toll_pricing_take(c, buf, &size))
		return false;
	q = spantoll__pricing__v1__watch_price_book_request__unpack(NULL, size, (uint8_t *)buf);
	if (!q) {
		toll_pricing_refuse(c, TOLL_GRPC_INVALID_ARGUMENT, "malformed request");
		return false;
	}
	snprintf(version, TOLL_EDITION_VERSION, "%s", q->version);
	spantoll__pricing__v1__watch_price_book_request__free_unpacked(q, NULL);
	return true;
}

/* NULL: there is room. */
static const char *no_room(const struct pricing_service *s)
{
	if (s->stopping)
		return "the pricing service is stopping";
	if (s->watcher_count >= (uint64_t)s->config->max_watchers)
		return "as many watch as max_watchers allows";
	return NULL;
}

void toll_pricing_handle_watch(void *service, struct toll_grpc_call *c)
{
	struct pricing_service *s = service;
	struct toll_pricing_caller *w = toll_grpc_call_data(c);
	const char *why;

	*w = (struct toll_pricing_caller){ .prev = NULL };
	atomic_fetch_add(&s->calls[TOLL_PRICING_WATCH_PRICE_BOOK], 1);
	if (!read_version(c, w->version))
		return;
	pthread_mutex_lock(&s->lock);
	why = no_room(s);
	if (!why) {
		link_caller(&s->watchers, w);
		s->watcher_count++;
		toll_grpc_stream_begin(c, &s->events);
		offer(s, w);
	}
	pthread_mutex_unlock(&s->lock);
	if (why)
		toll_pricing_refuse(
			c, s->stopping ? TOLL_GRPC_UNAVAILABLE : TOLL_GRPC_RESOURCE_EXHAUSTED, why);
}

void toll_pricing_handle_pre_refresh(void *service, struct toll_grpc_call *c)
{
	struct pricing_service *s = service;
	struct toll_pricing_caller *w = toll_grpc_call_data(c);
	bool stopping;

	*w = (struct toll_pricing_caller){ .prev = NULL };
	atomic_fetch_add(&s->calls[TOLL_PRICING_PRE_REFRESH], 1);
	pthread_mutex_lock(&s->lock);
	stopping = s->stopping;
	if (!stopping)
		link_caller(&s->waiting, w);
	pthread_mutex_unlock(&s->lock);
	if (stopping)
		toll_pricing_refuse(c, TOLL_GRPC_UNAVAILABLE, "the pricing service is stopping");
	else
		s->feed->refresh(s->feed);
}

/* ---- what happens ---- */

static void answer_refreshed(struct toll_pricing_caller *w, const struct toll_edition *e)
{
	Spantoll__Pricing__V1__PreRefreshResponse m =
		SPANTOLL__PRICING__V1__PRE_REFRESH_RESPONSE__INIT;
	char buf[64];
	size_t len;

	m.version = toll_pricing_unconst(e->version);
	len = spantoll__pricing__v1__pre_refresh_response__pack(&m, (uint8_t *)buf);
	toll_grpc_answer(toll_grpc_call_of(w),
	                 &(struct toll_grpc_answer){ .response = toll_slice(buf, len) });
}

static void answer_waiting(struct pricing_service *s, const struct toll_edition *e)
{
	struct toll_pricing_caller *w;

	while ((w = s->waiting)) {
		unlink_caller(&s->waiting, w);
		if (e)
			answer_refreshed(w, e);
		else
			toll_pricing_refuse(toll_grpc_call_of(w), TOLL_GRPC_UNAVAILABLE,
			                    "the prices could not be refreshed: see the log of the "
			                    "pricing service");
	}
}

void toll_pricing_told(struct toll_price_listener *l, int err, const char *why TOLL_UNUSED)
{
	struct pricing_service *s = toll_container_of(l, struct pricing_service, listener);
	struct toll_edition *e = err ? NULL : toll_price_feed_get(s->feed);

	pthread_mutex_lock(&s->lock);
	for (struct toll_pricing_caller *w = s->watchers; w && !err; w = w->next)
		offer(s, w);
	answer_waiting(s, e);
	pthread_mutex_unlock(&s->lock);
	toll_edition_unref(e);
}

void toll_pricing_beat(void *service)
{
	struct pricing_service *s = service;

	pthread_mutex_lock(&s->lock);
	for (struct toll_pricing_caller *w = s->watchers; w; w = w->next)
		offer(s, w);
	pthread_mutex_unlock(&s->lock);
}

void toll_pricing_stop_callers(struct pricing_service *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	while (s->watchers)
		drop_watcher(s, s->watchers, TOLL_GRPC_UNAVAILABLE,
		             "the pricing service is stopping");
	answer_waiting(s, NULL);
	pthread_mutex_unlock(&s->lock);
}

void toll_pricing_watch_init(struct pricing_service *s)
{
	s->events = (struct toll_grpc_stream_events){ on_sent, on_closed, s };
}
