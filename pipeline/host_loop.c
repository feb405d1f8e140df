/* SPDX-License-Identifier: Apache-2.0 */
/* host_loop.c - the event loop of the main thread: timers, calls from other threads, signals. */
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/host_private.h"

struct toll_timer {
	uv_timer_t uv;
	void (*fn)(void *ctx);
	void *ctx;
};

static int from_uv(int err)
{
	return err == 0 ? 0 : err == UV_ENOMEM ? TOLL_ENOMEM : TOLL_EINTERNAL;
}

/* ---- timers ---- */

static uint64_t to_ms(uint64_t ns)
{
	return ns / TOLL_MS + (ns % TOLL_MS != 0);
}

static void timer_fired(uv_timer_t *uv)
{
	struct toll_timer *t = uv->data;

	t->fn(t->ctx);
}

static void data_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct toll_timer *toll_host_timer(struct toll_host *h, uint64_t delay_ns, uint64_t period_ns,
                                   void (*fn)(void *ctx), void *ctx)
{
	struct toll_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fn = fn;
	t->ctx = ctx;
	if (uv_timer_init(&h->loop.uv, &t->uv)) {
		free(t);
		return NULL;
	}
	t->uv.data = t;
	uv_update_time(&h->loop.uv); /* what ran before may have taken long */
	if (uv_timer_start(&t->uv, timer_fired, to_ms(delay_ns), to_ms(period_ns))) {
		toll_host_timer_stop(t);
		return NULL;
	}
	return t;
}

void toll_host_timer_stop(struct toll_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, data_closed);
}

/* ---- calls from other threads ---- */

static struct toll_host_call_entry *take_calls(struct toll_host_loop *l, bool end)
{
	struct toll_host_call_entry *calls;

	pthread_mutex_lock(&l->lock);
	calls = l->first;
	l->first = NULL;
	l->last = &l->first;
	if (end && !calls)
		l->ended = true;
	pthread_mutex_unlock(&l->lock);
	return calls;
}

static void run_calls(struct toll_host_call_entry *calls)
{
	while (calls) {
		struct toll_host_call_entry *next = calls->next;

		calls->fn(calls->ctx);
		free(calls);
		calls = next;
	}
}

static void woken(uv_async_t *wake)
{
	struct toll_host_loop *l = wake->data;

	run_calls(take_calls(l, false));
	if (atomic_load(&l->stop))
		uv_stop(&l->uv);
}

int toll_host_call(struct toll_host *h, void (*fn)(void *ctx), void *ctx)
{
	struct toll_host_loop *l = &h->loop;
	struct toll_host_call_entry *c = malloc(sizeof(*c));
	bool ended;

	if (!c)
		return TOLL_ENOMEM;
	*c = (struct toll_host_call_entry){ NULL, fn, ctx };
	pthread_mutex_lock(&l->lock);
	ended = l->ended;
	if (!ended) {
		*l->last = c;
		l->last = &c->next;
		uv_async_send(&l->wake);
	}
	pthread_mutex_unlock(&l->lock);
	if (ended)
		free(c);
	return ended ? TOLL_ESHUTDOWN : 0;
}

/* ---- signals ---- */

static void stop_signal(uv_signal_t *uv, int number TOLL_UNUSED)
{
	struct toll_host_loop *l = uv->data;

	atomic_store(&l->stop, true);
	uv_stop(&l->uv);
}

static void hup_signal(uv_signal_t *uv, int number TOLL_UNUSED)
{
	struct toll_host_loop *l = uv->data;

	if (l->on_hup)
		l->on_hup(l->hup_ctx);
}

int toll_host_catch_signals(struct toll_host *h)
{
	struct toll_host_loop *l = &h->loop;
	int err;

	if (l->signals_caught)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file over its limit is an error of write() */
	err = uv_signal_start(&l->term, stop_signal, SIGTERM);
	if (!err)
		err = uv_signal_start(&l->interrupt, stop_signal, SIGINT);
	if (!err)
		err = uv_signal_start(&l->hup, hup_signal, SIGHUP);
	l->signals_caught = !err;
	return from_uv(err);
}

/* ---- life ---- */

int toll_host_loop_init(struct toll_host_loop *l)
{
	uv_signal_t *const signals[] = { &l->term, &l->interrupt, &l->hup };
	int err = uv_loop_init(&l->uv);

	if (err)
		return from_uv(err);
	pthread_mutex_init(&l->lock, NULL);
	l->last = &l->first;
	atomic_init(&l->stop, false);
	err = uv_async_init(&l->uv, &l->wake, woken);
	l->wake.data = l;
	for (size_t i = 0; !err && i < TOLL_COUNT(signals); i++) {
		err = uv_signal_init(&l->uv, signals[i]);
		signals[i]->data = l;
	}
	if (err)
		toll_host_loop_release(l);
	return from_uv(err);
}

int toll_host_run(struct toll_host *h, void (*on_hup)(void *ctx), void *ctx)
{
	struct toll_host_loop *l = &h->loop;
	struct toll_host_call_entry *calls;
	int err;

	l->on_hup = on_hup;
	l->hup_ctx = ctx;
	err = toll_host_catch_signals(h);
	if (err)
		return err;
	while (!atomic_load(&l->stop))
		uv_run(&l->uv, UV_RUN_DEFAULT);
	while ((calls = take_calls(l, true)))
		run_calls(calls);
	uv_signal_stop(&l->interrupt); /* the person at the terminal may insist */
	l->on_hup = NULL;
	return 0;
}

void toll_host_stop(struct toll_host *h)
{
	atomic_store(&h->loop.stop, true);
	pthread_mutex_lock(&h->loop.lock);
	if (!h->loop.ended)
		uv_async_send(&h->loop.wake);
	pthread_mutex_unlock(&h->loop.lock);
}

static void close_handle(uv_handle_t *handle, void *ctx TOLL_UNUSED)
{
	if (!uv_is_closing(handle))
		uv_close(handle, handle->type == UV_TIMER || handle->type == UV_FS_EVENT
		                         ? data_closed
		                         : NULL);
}

void toll_host_loop_release(struct toll_host_loop *l)
{
	struct toll_host_call_entry *next, *calls = take_calls(l, false);

	for (; calls; calls = next) {
		next = calls->next;
		free(calls);
	}
	uv_walk(&l->uv, close_handle, NULL);
	while (uv_run(&l->uv, UV_RUN_DEFAULT))
		continue;
	uv_loop_close(&l->uv);
	pthread_mutex_destroy(&l->lock);
}
