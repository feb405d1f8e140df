/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server_worker.c - a worker's thread: calls are armed, received, handled.
 *
 * A call's life: armed (core may fill it) -> receiving -> handled -> answered -> armed again or
 * kept for later. Its events come through the queue of its worker, so all but `handled` belong to
 * that worker's thread. */
#include "net/grpc_server_private.h"

#include <stdlib.h>

#include "base/clock.h"
#include "net/grpc_library.h"

enum { ARMED = 16 }; /* calls core may hand over before the worker looks again */

#define TICK_NS TOLL_S

/* Their message will not come: their TOLL_GRPC_STEP_MESSAGE arrives without one. */
static void cancel_overdue(struct toll_grpc_worker *w)
{
	uint64_t now = toll_clock_mono_ns();
	struct toll_grpc_server *s = w->server;

	for (struct toll_grpc_call *c = w->receiving.oldest; c; c = c->next) {
		if (now - c->since_mono_ns < s->set.message_timeout_ns)
			return;
		if (c->cancelled)
			continue;
		c->cancelled = 1;
		atomic_fetch_add_explicit(&s->counts.overdue, 1, memory_order_relaxed);
		grpc_call_cancel_with_status(c->call, GRPC_STATUS_DEADLINE_EXCEEDED,
		                             "the message did not arrive in time", NULL);
	}
}

static void arm(struct toll_grpc_worker *w)
{
	struct toll_grpc_server *s = w->server;

	while (w->armed < ARMED) {
		struct toll_grpc_call *c;

		atomic_fetch_add(&s->calls, 1); /* first, so that stop() sees it or we see stop() */
		c = atomic_load(&s->stopping) ? NULL : toll_grpc_call_new(w);
		if (!c) { /* without memory: again at the next event or tick */
			toll_grpc_server_leave(s);
			return;
		}
		w->armed++;
		toll_grpc_give(&c->baton);
		if (grpc_server_request_call(s->core, &c->call, &c->details, &c->metadata, w->queue,
		                             w->queue, toll_grpc_tag(c, TOLL_GRPC_STEP_REQUEST)) !=
		    GRPC_CALL_OK)
			abort(); /* used wrongly */
	}
}

static const struct toll_grpc_method *find_method(const struct toll_grpc_server *s,
                                                  const grpc_slice *path)
{
	struct toll_slice name = toll_grpc_view(path);

	for (size_t i = 0; i < s->set.method_count; i++)
		if (toll_slice_is(name, s->set.methods[i].path))
			return &s->set.methods[i];
	return NULL;
}

static void on_request(struct toll_grpc_worker *w, struct toll_grpc_call *c, bool ok)
{
	struct toll_grpc_server *s = w->server;
	grpc_op op = { 0 };

	w->armed--;
	arm(w);
	if (!ok) {
		toll_grpc_call_end(c);
		return;
	}
	c->method = find_method(s, &c->details.method);
	if (!c->method) {
		atomic_fetch_add_explicit(&s->counts.unknown_methods, 1, memory_order_relaxed);
		toll_grpc_refuse(c, GRPC_STATUS_UNIMPLEMENTED, "unknown method");
		return;
	}
	c->cancelled = 0;
	op.op = GRPC_OP_RECV_MESSAGE;
	op.data.recv_message.recv_message = &c->message;
	toll_grpc_calls_append(&w->receiving, c);
	if (grpc_call_start_batch(c->call, &op, 1, toll_grpc_tag(c, TOLL_GRPC_STEP_MESSAGE),
	                          NULL) != GRPC_CALL_OK)
		abort(); /* used wrongly */
}

static void on_message(struct toll_grpc_worker *w, struct toll_grpc_call *c)
{
	struct toll_grpc_server *s = w->server;

	toll_grpc_calls_remove(&w->receiving, c);
	if (!c->message) {
		if (!c->cancelled)
			atomic_fetch_add_explicit(&s->counts.lost, 1, memory_order_relaxed);
		toll_grpc_refuse(c, GRPC_STATUS_CANCELLED, "no message");
		return;
	}
	c->method->handle(c->method->ctx, c);
	toll_grpc_call_drop_message(c); /* c is there until this thread hears of its answer */
}

static void on_event(struct toll_grpc_worker *w, const grpc_event *e)
{
	uintptr_t step = (uintptr_t)e->tag & TOLL_GRPC_STEP_MASK;
	struct toll_grpc_call *c = (struct toll_grpc_call *)(void *)((char *)e->tag - step);

	if (e->tag == &toll_grpc_closed_tag) {
		toll_grpc_server_closed(w->server);
		return;
	}
	toll_grpc_got(&c->baton);
	if (step == TOLL_GRPC_STEP_REQUEST) {
		on_request(w, c, e->success);
	} else if (step == TOLL_GRPC_STEP_MESSAGE) {
		on_message(w, c);
	} else if (step != TOLL_GRPC_STEP_ANSWERED) {
		toll_grpc_stream_event(c, (enum toll_grpc_step)step);
	} else {
		toll_grpc_answer_sent(c);
		toll_grpc_call_end(c);
	}
}

void *toll_grpc_worker_serve(void *arg)
{
	struct toll_grpc_worker *w = arg;
	gpr_timespec wake = toll_grpc_in(0);
	uint64_t tick = 0;

	for (;;) {
		grpc_event e;

		if (toll_clock_mono_ns() >= tick) {
			tick = toll_clock_mono_ns() + TICK_NS;
			wake = toll_grpc_in(TICK_NS);
			cancel_overdue(w);
			toll_grpc_cancel_unread(w);
			arm(w);
		}
		e = grpc_completion_queue_next(w->queue, wake, NULL);
		if (e.type == GRPC_QUEUE_SHUTDOWN)
			break;
		if (e.type == GRPC_OP_COMPLETE)
			on_event(w, &e);
	}
	toll_grpc_forget_kept(w);
	return NULL;
}
