/* SPDX-License-Identifier: Apache-2.0 */
/* One channel, one completion queue, one thread. A call is one batch: everything is sent, and the
 * thread hears of it once, when the status is there. */
#include "net/grpc_client.h"

#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/thread.h"
#include "net/grpc_channel.h"
#include "net/grpc_library.h"
#include "net/gzip.h"
#include "net/inflate.h"

/* Of an answer in gzip. Servers answer as they are asked; those of OTLP fit in a packet. */
#define UNPACKED_MAX ((size_t)64 << 10)

struct toll_grpc_client {
	grpc_completion_queue *queue;
	pthread_t thread;
	bool running, wait_for_ready, gzip;
	grpc_metadata *headers;
	size_t header_count;
	pthread_mutex_t gzip_lock; /* guards packer */
	struct toll_gzip packer;
	struct toll_inflater inflater; /* the thread's */
	pthread_mutex_t lock; /* guards channel, calls, stopping and the end of in_flight */
	grpc_channel *channel;
	grpc_channel *before; /* the one before reopen(): calls may still be on it */
	pthread_cond_t idle;
	struct client_call *calls; /* in flight, for cancelling */
	bool stopping;
	atomic_uint in_flight;
};

struct client_call {
	struct toll_grpc_client *client;
	struct client_call *prev, *next;
	grpc_call *call;
	atomic_bool baton;
	grpc_byte_buffer *request, *response;
	grpc_metadata_array head, trailers;
	grpc_slice text;
	grpc_status_code status;
	void (*done)(void *ctx, const struct toll_grpc_reply *r);
	void *ctx;
};

/* Makes the call, unless the end has begun. */
static int link_call(struct toll_grpc_client *c, struct client_call *x, const char *method,
                     uint64_t timeout_ns)
{
	grpc_slice path = grpc_slice_from_copied_string(method);
	int err = TOLL_ESHUTDOWN;

	pthread_mutex_lock(&c->lock);
	if (c->stopping)
		goto out;
	err = 0;
	x->call = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->queue,
	                                   path, NULL, toll_grpc_in(timeout_ns), NULL);
	x->next = c->calls;
	if (x->next)
		x->next->prev = x;
	c->calls = x;
	atomic_fetch_add_explicit(&c->in_flight, 1, memory_order_relaxed);
out:
	pthread_mutex_unlock(&c->lock);
	grpc_slice_unref(path);
	return err;
}

static void unlink_call(struct toll_grpc_client *c, struct client_call *x)
{
	pthread_mutex_lock(&c->lock);
	if (x->prev)
		x->prev->next = x->next;
	else
		c->calls = x->next;
	if (x->next)
		x->next->prev = x->prev;
	if (atomic_fetch_sub_explicit(&c->in_flight, 1, memory_order_relaxed) == 1)
		pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->lock);
}

static void call_free(struct client_call *x)
{
	if (x->call)
		grpc_call_unref(x->call);
	grpc_byte_buffer_destroy(x->request);
	grpc_byte_buffer_destroy(x->response);
	grpc_metadata_array_destroy(&x->head);
	grpc_metadata_array_destroy(&x->trailers);
	grpc_slice_unref(x->text);
	free(x);
}

static struct toll_slice find_details(const grpc_metadata_array *trailers)
{
	for (size_t i = 0; i < trailers->count; i++)
		if (toll_slice_is(toll_grpc_view(&trailers->metadata[i].key),
		                  "grpc-status-details-bin"))
			return toll_grpc_view(&trailers->metadata[i].value);
	return (struct toll_slice){ NULL, 0 };
}

/* Its pieces in one; malloc'ed, NULL: no memory. */
static char *gather(const grpc_byte_buffer *b, size_t size)
{
	char *bytes = malloc(size);

	if (bytes)
		toll_grpc_buffer_copy(b, bytes);
	return bytes;
}

/* *bytes of *size, packed, become a new block of what was in them. */
static bool unpack(struct toll_grpc_client *c, char **bytes, size_t *size)
{
	char *out = malloc(UNPACKED_MAX);
	bool ok = out && !toll_inflate(&c->inflater, TOLL_ENCODING_GZIP, toll_slice(*bytes, *size),
	                               out, UNPACKED_MAX, size);

	free(*bytes);
	*bytes = out;
	return ok;
}

static void tell(struct client_call *x)
{
	size_t size = toll_grpc_buffer_size(x->response);
	char *bytes = size ? gather(x->response, size) : NULL;
	char *message = grpc_slice_to_c_string(x->text);
	struct toll_grpc_reply r = { .status = x->status, .message = message };

	if (size)
		r.unreadable = !bytes || (x->response->data.raw.compression == GRPC_COMPRESS_GZIP &&
		                          !unpack(x->client, &bytes, &size));
	r.response = r.unreadable ? toll_slice("", 0) : toll_slice(bytes, size);
	r.details = find_details(&x->trailers);
	x->done(x->ctx, &r);
	gpr_free(message);
	free(bytes);
}

static void *run(void *arg)
{
	struct toll_grpc_client *c = arg;

	for (;;) {
		grpc_event e = grpc_completion_queue_next(c->queue, toll_grpc_in(UINT64_MAX), NULL);
		struct client_call *x = e.tag;

		if (e.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		if (e.type != GRPC_OP_COMPLETE)
			continue;
		toll_grpc_got(&x->baton);
		tell(x);
		unlink_call(c, x);
		call_free(x);
	}
}

static int send_all(struct client_call *x, const struct toll_grpc_client *c)
{
	grpc_op ops[6] = { 0 };
	grpc_call *call = x->call;

	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[0].data.send_initial_metadata.metadata = c->headers;
	ops[0].data.send_initial_metadata.count = c->header_count;
	ops[0].flags = c->wait_for_ready
	                       ? GRPC_INITIAL_METADATA_WAIT_FOR_READY |
	                                 GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET
	                       : 0;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = x->request;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &x->head;
	ops[4].op = GRPC_OP_RECV_MESSAGE;
	ops[4].data.recv_message.recv_message = &x->response;
	ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[5].data.recv_status_on_client.trailing_metadata = &x->trailers;
	ops[5].data.recv_status_on_client.status = &x->status;
	ops[5].data.recv_status_on_client.status_details = &x->text;
	toll_grpc_give(&x->baton);
	return grpc_call_start_batch(call, ops, TOLL_COUNT(ops), x, NULL) == GRPC_CALL_OK
	               ? 0
	               : TOLL_EINTERNAL;
}

/* The client's settings decide what the body becomes; it is gone afterwards. */
static int make_body(struct toll_grpc_client *c, const struct toll_grpc_request *q,
                     grpc_byte_buffer **ret)
{
	char *packed;
	size_t size;
	int err;

	if (!c->gzip) {
		*ret = toll_grpc_buffer_take(q->take_body, q->size, GRPC_COMPRESS_NONE);
		return 0;
	}
	pthread_mutex_lock(&c->gzip_lock);
	err = toll_gzip_pack(&c->packer, toll_slice(q->take_body, q->size), &packed, &size);
	pthread_mutex_unlock(&c->gzip_lock);
	free(q->take_body);
	if (!err)
		*ret = toll_grpc_buffer_take(packed, size, GRPC_COMPRESS_GZIP);
	return err;
}

static struct client_call *call_new(struct toll_grpc_client *c)
{
	struct client_call *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->client = c;
	x->text = grpc_empty_slice();
	grpc_metadata_array_init(&x->head);
	grpc_metadata_array_init(&x->trailers);
	return x;
}

static int send_call(struct toll_grpc_client *c, struct client_call *x,
                     const struct toll_grpc_request *q)
{
	int err = make_body(c, q, &x->request);

	if (!err)
		err = link_call(c, x, q->method, q->timeout_ns);
	if (err)
		return err;
	err = send_all(x, c);
	if (err)
		unlink_call(c, x);
	return err;
}

int toll_grpc_client_send(struct toll_grpc_client *c, const struct toll_grpc_request *q,
                          void (*done)(void *ctx, const struct toll_grpc_reply *r), void *ctx)
{
	struct client_call *x = call_new(c);
	int err;

	if (!x) {
		free(q->take_body);
		return TOLL_ENOMEM;
	}
	x->done = done;
	x->ctx = ctx;
	err = send_call(c, x, q);
	if (err)
		call_free(x);
	return err;
}

int toll_grpc_client_start(struct toll_grpc_client *c, const char *method,
                           struct toll_slice request, uint64_t timeout_ns,
                           void (*done)(void *ctx, const struct toll_grpc_reply *r), void *ctx)
{
	struct toll_grpc_request q = { method, malloc(request.len + 1), request.len, timeout_ns };

	if (!q.take_body)
		return TOLL_ENOMEM;
	if (request.len)
		memcpy(q.take_body, request.ptr, request.len);
	return toll_grpc_client_send(c, &q, done, ctx);
}

unsigned toll_grpc_client_in_flight(const struct toll_grpc_client *c)
{
	return atomic_load_explicit(&c->in_flight, memory_order_relaxed);
}

/* ---- life ---- */

static bool copy_headers(struct toll_grpc_client *c, const struct toll_grpc_client_settings *set)
{
	c->headers = calloc(set->header_count + 1, sizeof(*c->headers));
	if (!c->headers)
		return false;
	for (size_t i = 0; i < set->header_count; i++) {
		const struct toll_grpc_header *h = &set->headers[i];

		c->headers[i].key = grpc_slice_from_copied_string(h->name);
		c->headers[i].value = grpc_slice_from_copied_buffer(h->value.ptr, h->value.len);
	}
	c->header_count = set->header_count;
	return true;
}

static bool start_client(struct toll_grpc_client *c, const struct toll_grpc_client_settings *set)
{
	if (!copy_headers(c, set))
		return false;
	c->channel = toll_grpc_channel_open(set);
	c->running =
		c->channel &&
		!toll_thread_start(&c->thread, set->thread ? set->thread : "toll-grpc-c", run, c);
	return c->running;
}

int toll_grpc_client_new(const struct toll_grpc_client_settings *set, struct toll_grpc_client **ret,
                         struct toll_error *reterr)
{
	struct toll_grpc_client *c = calloc(1, sizeof(*c));

	if (!c)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->target);
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->gzip_lock, NULL);
	pthread_cond_init(&c->idle, NULL);
	c->wait_for_ready = set->wait_for_ready;
	c->gzip = set->gzip;
	toll_grpc_library_ref();
	c->queue = grpc_completion_queue_create_for_next(NULL);
	if (!start_client(c, set)) {
		toll_grpc_client_free(c);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: cannot start a gRPC client",
		                 set->target);
	}
	*ret = c;
	return 0;
}

int toll_grpc_client_reopen(struct toll_grpc_client *c, const struct toll_grpc_client_settings *set)
{
	grpc_channel *fresh = toll_grpc_channel_open(set), *old;

	if (!fresh)
		return TOLL_ENOMEM;
	pthread_mutex_lock(&c->lock);
	old = c->before;
	c->before = c->channel;
	c->channel = fresh;
	pthread_mutex_unlock(&c->lock);
	if (old)
		grpc_channel_destroy(old);
	return 0;
}

static void cancel_all(struct toll_grpc_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	for (struct client_call *x = c->calls; x; x = x->next)
		grpc_call_cancel(x->call, NULL);
	while (toll_grpc_client_in_flight(c))
		pthread_cond_wait(&c->idle, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

struct toll_grpc_client *toll_grpc_client_free(struct toll_grpc_client *c)
{
	if (!c)
		return NULL;
	cancel_all(c);
	grpc_completion_queue_shutdown(c->queue);
	if (c->running)
		pthread_join(c->thread, NULL);
	else
		grpc_completion_queue_next(c->queue, toll_grpc_in(UINT64_MAX), NULL);
	grpc_completion_queue_destroy(c->queue);
	if (c->before)
		grpc_channel_destroy(c->before);
	if (c->channel)
		grpc_channel_destroy(c->channel);
	for (size_t i = 0; i < c->header_count; i++) {
		grpc_slice_unref(c->headers[i].key);
		grpc_slice_unref(c->headers[i].value);
	}
	free(c->headers);
	toll_gzip_release(&c->packer);
	toll_inflater_release(&c->inflater);
	toll_grpc_library_unref();
	pthread_cond_destroy(&c->idle);
	pthread_mutex_destroy(&c->gzip_lock);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}
