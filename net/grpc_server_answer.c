/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server_answer.c - the answer to a call, and clients that do not read theirs. */
#include "net/grpc_server_private.h"

#include <grpc/slice.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/grpc_library.h"

static void add_answered(struct toll_grpc_call *c)
{
	struct toll_grpc_worker *w = c->worker;

	pthread_mutex_lock(&w->answered_lock);
	c->in_answered = true;
	toll_grpc_calls_append(&w->answered, c);
	pthread_mutex_unlock(&w->answered_lock);
}

void toll_grpc_answer_sent(struct toll_grpc_call *c)
{
	struct toll_grpc_worker *w = c->worker;

	pthread_mutex_lock(&w->answered_lock);
	if (c->in_answered)
		toll_grpc_calls_remove(&w->answered, c);
	c->in_answered = false;
	pthread_mutex_unlock(&w->answered_lock);
}

/* The oldest, when its time is over; it is in the list no more. */
static struct toll_grpc_call *take_unread(struct toll_grpc_worker *w)
{
	struct toll_grpc_call *c;

	pthread_mutex_lock(&w->answered_lock);
	c = w->answered.oldest;
	if (c && toll_clock_mono_ns() - c->since_mono_ns < w->server->set.answer_timeout_ns)
		c = NULL;
	if (c) {
		toll_grpc_calls_remove(&w->answered, c);
		c->in_answered = false;
	}
	pthread_mutex_unlock(&w->answered_lock);
	return c;
}

/* Clients that grant no window would keep their calls for ever. Their TOLL_GRPC_STEP_ANSWERED
 * follows; until this thread sees it they are there. */
void toll_grpc_cancel_unread(struct toll_grpc_worker *w)
{
	for (struct toll_grpc_call *c; (c = take_unread(w));) {
		atomic_fetch_add_explicit(&w->server->counts.unread, 1, memory_order_relaxed);
		grpc_call_cancel_with_status(c->call, GRPC_STATUS_DEADLINE_EXCEEDED,
		                             "the answer was not read in time", NULL);
	}
}

/* ---- sending ---- */

static void add_trailer(struct toll_grpc_call *c, struct toll_slice details)
{
	c->trailer = (grpc_metadata){
		.key = grpc_slice_from_static_string("grpc-status-details-bin"),
		.value = grpc_slice_from_copied_buffer(details.ptr, details.len),
	};
	c->has_trailer = true;
}

void toll_grpc_answer(struct toll_grpc_call *c, const struct toll_grpc_answer *a)
{
	struct grpc_op_send_status_from_server *status;
	grpc_call *call = c->call;
	grpc_op ops[4] = { 0 };
	size_t n = 0;

	ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (a->status == GRPC_STATUS_OK) {
		c->response = toll_grpc_buffer_of(a->response);
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = c->response;
	}
	ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	status = &ops[n++].data.send_status_from_server;
	status->status = (grpc_status_code)a->status;
	if (a->message) {
		c->text = grpc_slice_from_static_string(a->message);
		status->status_details = &c->text;
	}
	if (a->details.len) {
		add_trailer(c, a->details);
		status->trailing_metadata = &c->trailer;
		status->trailing_metadata_count = 1;
	}
	ops[n].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	ops[n++].data.recv_close_on_server.cancelled = &c->cancelled;
	add_answered(c);
	toll_grpc_give(&c->baton);
	/* Fails only when used wrongly; c may be gone when it returns. */
	if (grpc_call_start_batch(call, ops, n, toll_grpc_tag(c, TOLL_GRPC_STEP_ANSWERED), NULL) !=
	    GRPC_CALL_OK)
		abort();
}

void toll_grpc_refuse(struct toll_grpc_call *c, int status, const char *why)
{
	struct toll_grpc_answer a = { .status = status, .message = why };

	toll_grpc_answer(c, &a);
}
