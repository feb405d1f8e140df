/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_watch.h"

#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/grpc_channel.h"
#include "net/grpc_library.h"

enum { TICK_MS = 500, HEADERS_MAX = 4 };

struct watch {
	const struct toll_grpc_watch *set;
	grpc_completion_queue *queue;
	grpc_channel *channel;
	grpc_call *call;
	grpc_metadata_array head, trailers;
	grpc_byte_buffer *request, *message;
	grpc_status_code status;
	grpc_slice text;
	unsigned pending; /* batches that have not come back */
	uint64_t heard_mono_ns;
	int err; /* why we ended it */
};

/* Their addresses are the tags. */
static char sent_tag, message_tag, status_tag;

static int start(struct watch *w, const grpc_op *ops, size_t count, void *tag)
{
	if (grpc_call_start_batch(w->call, ops, count, tag, NULL) != GRPC_CALL_OK)
		return TOLL_EINTERNAL;
	w->pending++;
	return 0;
}

/* ---- the three kinds of batches ---- */

static int send_request(struct watch *w)
{
	const struct toll_grpc_client_settings *c = w->set->client;
	grpc_metadata headers[HEADERS_MAX];
	grpc_op ops[4] = { 0 };
	size_t count = c->header_count < HEADERS_MAX ? c->header_count : HEADERS_MAX;
	int err;

	for (size_t i = 0; i < count; i++)
		headers[i] = (grpc_metadata){
			.key = grpc_slice_from_copied_string(c->headers[i].name),
			.value = grpc_slice_from_copied_buffer(c->headers[i].value.ptr,
			                                       c->headers[i].value.len),
		};
	w->request = toll_grpc_buffer_of(w->set->request);
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[0].data.send_initial_metadata.metadata = headers;
	ops[0].data.send_initial_metadata.count = count;
	ops[1].data.send_message.send_message = w->request;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &w->head;
	err = start(w, ops, TOLL_COUNT(ops), &sent_tag);
	while (count--) { /* core has its own references */
		grpc_slice_unref(headers[count].key);
		grpc_slice_unref(headers[count].value);
	}
	return err;
}

static int ask_status(struct watch *w)
{
	grpc_op op = { 0 };

	op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op.data.recv_status_on_client.trailing_metadata = &w->trailers;
	op.data.recv_status_on_client.status = &w->status;
	op.data.recv_status_on_client.status_details = &w->text;
	return start(w, &op, 1, &status_tag);
}

static int ask_message(struct watch *w)
{
	grpc_op op = { 0 };

	op.op = GRPC_OP_RECV_MESSAGE;
	op.data.recv_message.recv_message = &w->message;
	return start(w, &op, 1, &message_tag);
}

/* ---- the loop ---- */

static void give_up(struct watch *w, int err)
{
	if (w->err)
		return;
	w->err = err;
	grpc_call_cancel(w->call, NULL);
}

static int hand_over(struct watch *w)
{
	size_t size = toll_grpc_buffer_size(w->message);
	char *bytes;
	int err;

	if (size && w->message->data.raw.compression != GRPC_COMPRESS_NONE)
		return TOLL_EINVALID;
	bytes = malloc(size + 1);
	if (!bytes)
		return TOLL_ENOMEM;
	toll_grpc_buffer_copy(w->message, bytes);
	err = w->set->on_message(w->set->ctx, toll_slice(bytes, size));
	free(bytes);
	return err;
}

static void on_message(struct watch *w)
{
	bool more = w->message != NULL; /* none: the status follows */
	int err = 0;

	if (more && !w->err)
		err = hand_over(w);
	grpc_byte_buffer_destroy(w->message);
	w->message = NULL;
	w->heard_mono_ns = toll_clock_mono_ns();
	if (more && !w->err && !err)
		err = ask_message(w);
	if (err)
		give_up(w, err);
}

static void on_tick(struct watch *w)
{
	const atomic_bool *abort = w->set->abort;

	if (abort && atomic_load_explicit(abort, memory_order_relaxed))
		give_up(w, TOLL_ESHUTDOWN);
	else if (toll_clock_mono_ns() - w->heard_mono_ns > w->set->silence_ns)
		give_up(w, TOLL_ETIMEOUT);
}

static void run(struct watch *w)
{
	while (w->pending) {
		grpc_event e =
			grpc_completion_queue_next(w->queue, toll_grpc_in(TICK_MS * TOLL_MS), NULL);

		on_tick(w);
		if (e.type != GRPC_OP_COMPLETE)
			continue;
		w->pending--;
		if (e.tag == &message_tag)
			on_message(w);
	}
}

/* ---- start and end ---- */

static int open_call(struct watch *w)
{
	grpc_slice path = grpc_slice_from_copied_string(w->set->method);
	int err;

	w->channel = toll_grpc_channel_open(w->set->client);
	if (w->channel)
		w->call = grpc_channel_create_call(w->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
		                                   w->queue, path, NULL, toll_grpc_in(UINT64_MAX),
		                                   NULL);
	grpc_slice_unref(path);
	if (!w->call)
		return TOLL_ENOMEM;
	err = ask_status(w);
	if (!err)
		err = send_request(w);
	return err ? err : ask_message(w);
}

static void close_call(struct watch *w)
{
	if (w->call)
		grpc_call_unref(w->call);
	if (w->channel)
		grpc_channel_destroy(w->channel);
	grpc_completion_queue_shutdown(w->queue);
	while (grpc_completion_queue_next(w->queue, toll_grpc_in(UINT64_MAX), NULL).type !=
	       GRPC_QUEUE_SHUTDOWN)
		;
	grpc_completion_queue_destroy(w->queue);
	grpc_byte_buffer_destroy(w->request);
	grpc_byte_buffer_destroy(w->message);
	grpc_metadata_array_destroy(&w->head);
	grpc_metadata_array_destroy(&w->trailers);
	grpc_slice_unref(w->text);
}

static int err_of(const struct watch *w)
{
	if (w->err)
		return w->err;
	switch (w->status) {
	case GRPC_STATUS_OK:
	case GRPC_STATUS_UNAVAILABLE:
	case GRPC_STATUS_CANCELLED:
		return TOLL_EDOWN;
	case GRPC_STATUS_DEADLINE_EXCEEDED:
		return TOLL_ETIMEOUT;
	case GRPC_STATUS_RESOURCE_EXHAUSTED:
		return TOLL_ETOOBIG;
	default:
		return TOLL_EREFUSED;
	}
}

static int tell(const struct watch *w, struct toll_error *reterr)
{
	int err = err_of(w);
	char *text = grpc_slice_to_c_string(w->text);

	if (w->err == TOLL_ETIMEOUT)
		toll_fail(reterr, err, "%.100s: nothing has come for %.0f s",
		          w->set->client->target, (double)w->set->silence_ns / 1e9);
	else if (w->err == TOLL_EINVALID)
		toll_fail(reterr, err, "%.100s: an answer that cannot be read",
		          w->set->client->target);
	else if (w->err)
		toll_fail(reterr, err, "%.100s: %s", w->set->client->target, toll_err_text(err));
	else if (w->status == GRPC_STATUS_OK)
		toll_fail(reterr, err, "%.100s: the server ended the stream",
		          w->set->client->target);
	else
		toll_fail(reterr, err, "%.100s: status %d: %.120s", w->set->client->target,
		          (int)w->status, text);
	gpr_free(text);
	return err;
}

int toll_grpc_watch(const struct toll_grpc_watch *set, struct toll_error *reterr)
{
	struct watch w = { .set = set, .heard_mono_ns = toll_clock_mono_ns() };
	int err;

	toll_grpc_library_ref();
	w.queue = grpc_completion_queue_create_for_next(NULL);
	w.text = grpc_empty_slice();
	grpc_metadata_array_init(&w.head);
	grpc_metadata_array_init(&w.trailers);
	err = open_call(&w);
	if (err && w.call)
		give_up(&w, err);
	w.err = w.err ? w.err : err;
	run(&w);
	err = tell(&w, reterr);
	close_call(&w);
	toll_grpc_library_unref();
	return err;
}
