/* SPDX-License-Identifier: Apache-2.0 */
/* A stream is over when each of its batches has come back: the one that hears of the client's
 * going, one per message, and the status at last. Batches are counted before they start, so that
 * the event that brings the count to 0 after end() is the last one. */
#include "net/grpc_stream.h"

#include <grpc/slice.h>
#include <stdlib.h>

#include "net/grpc_args.h"
#include "net/grpc_library.h"
#include "net/grpc_server_private.h"

static void start(struct toll_grpc_call *c, const grpc_op *op, enum toll_grpc_step step)
{
	toll_grpc_give(&c->baton);
	/* Fails only when used wrongly. */
	if (grpc_call_start_batch(c->call, op, 1, toll_grpc_tag(c, step), NULL) != GRPC_CALL_OK)
		abort();
}

void toll_grpc_stream_begin(struct toll_grpc_call *c, const struct toll_grpc_stream_events *events)
{
	grpc_op head = { 0 };
	grpc_op close = { 0 };

	head.op = GRPC_OP_SEND_INITIAL_METADATA;
	close.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	c->stream = events;
	atomic_store(&c->pending, 2);
	atomic_store(&c->ended, false);
	c->sending = c->ending = false;
	close.data.recv_close_on_server.cancelled = &c->cancelled;
	start(c, &head, TOLL_GRPC_STEP_STREAM_BEGUN);
	start(c, &close, TOLL_GRPC_STEP_STREAM_CLOSED);
}

/* ---- messages ---- */

static void unref_owner(void *owner)
{
	toll_shared_unref(owner);
}

void toll_grpc_stream_send(struct toll_grpc_call *c, struct toll_slice head, struct toll_slice body,
                           struct toll_shared *owner)
{
	grpc_slice pieces[2] = { grpc_slice_from_copied_buffer(head.ptr, head.len) };
	grpc_op op = { 0 };
	size_t count = 1;

	op.op = GRPC_OP_SEND_MESSAGE;
	if (body.len)
		pieces[count++] = grpc_slice_new_with_user_data(
			toll_grpc_unconst(body.ptr), body.len, unref_owner, toll_shared_ref(owner));
	c->response = grpc_raw_byte_buffer_create(pieces, count);
	while (count)
		grpc_slice_unref(pieces[--count]);
	op.data.send_message.send_message = c->response;
	pthread_mutex_lock(&c->worker->answered_lock);
	c->sending = true;
	pthread_mutex_unlock(&c->worker->answered_lock);
	atomic_fetch_add(&c->pending, 1);
	start(c, &op, TOLL_GRPC_STEP_STREAM_SENT);
}

/* ---- the end ---- */

static void send_status(struct toll_grpc_call *c)
{
	grpc_op op = { 0 };

	op.op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	op.data.send_status_from_server.status = (grpc_status_code)c->end_status;
	op.data.send_status_from_server.status_details = &c->text;
	start(c, &op, TOLL_GRPC_STEP_STREAM_ENDED);
}

void toll_grpc_stream_end(struct toll_grpc_call *c, int status, const char *why)
{
	grpc_call *call = c->call;
	bool sending;

	c->text = grpc_slice_from_static_string(why ? why : "");
	c->end_status = status;
	atomic_fetch_add(&c->pending, 1); /* for the status; before ended, see the top */
	atomic_store(&c->ended, true);
	pthread_mutex_lock(&c->worker->answered_lock);
	sending = c->sending;
	c->ending = sending;
	if (sending)
		grpc_call_ref(call);
	pthread_mutex_unlock(&c->worker->answered_lock);
	if (!sending) {
		send_status(c);
		return;
	}
	/* The message in front must be done first; a client that does not read would keep it. Where
	 * it is done this very moment, c may be gone by now. */
	grpc_call_cancel_with_status(call, (grpc_status_code)status, why ? why : "", NULL);
	grpc_call_unref(call);
}

/* True: end() waits for this message. */
static bool message_done(struct toll_grpc_call *c)
{
	bool ending;

	grpc_byte_buffer_destroy(c->response);
	c->response = NULL;
	pthread_mutex_lock(&c->worker->answered_lock);
	c->sending = false;
	ending = c->ending;
	pthread_mutex_unlock(&c->worker->answered_lock);
	return ending;
}

void toll_grpc_stream_event(struct toll_grpc_call *c, enum toll_grpc_step step)
{
	const struct toll_grpc_stream_events *events = c->stream;
	bool ended;

	if (step == TOLL_GRPC_STEP_STREAM_SENT && message_done(c))
		send_status(c);
	else if (step == TOLL_GRPC_STEP_STREAM_SENT && !atomic_load(&c->ended))
		events->sent(events->ctx, c);
	else if (step == TOLL_GRPC_STEP_STREAM_CLOSED && !atomic_load(&c->ended))
		events->closed(events->ctx, c);
	ended = atomic_load(&c->ended);
	if (atomic_fetch_sub(&c->pending, 1) == 1 && ended)
		toll_grpc_call_end(c);
}
