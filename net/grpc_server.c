/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_server.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

enum {
	CALL_STATE = 128,
	ARMED_METHODS = 64, /* requests of each method waited for at once, per worker */
	ARMED_UNKNOWN = 8,  /* requests of unknown methods waited for at once, per worker */
};

struct worker;

/* What a completion queue hands back: who goes on, and was it a success? */
struct event {
	void (*fn)(struct event *e, bool ok);
};

/* A request that is waited for, and then the call that it became. */
struct toll_grpc_call {
	struct event event;
	struct worker *worker;
	const struct toll_grpc_method *method; /* NULL: waits for unknown methods */
	void *registered;
	grpc_call *call;
	grpc_byte_buffer *message;
	gpr_timespec deadline;
	grpc_metadata_array metadata;
	grpc_call_details details;
	grpc_byte_buffer *response;
	int cancelled;
	_Alignas(max_align_t) char state[CALL_STATE];
};

struct worker {
	struct toll_grpc_server *server;
	grpc_completion_queue *queue;
	pthread_t thread;
	bool running;
};

struct toll_grpc_server {
	struct toll_grpc_server_settings set;
	grpc_server *server;
	struct toll_grpc_method *methods;
	void **registered; /* per method, the library's handle */
	struct worker *workers;
	int port;
	bool started, stopped;
	struct event shut_down;
	pthread_mutex_t lock; /* guards quiet */
	pthread_cond_t changed;
	bool quiet;        /* the library has let go of every call */
	atomic_uint calls; /* taken from the library and not yet given back */
};

/* ---- waiting for requests
 * -------------------------------------------------------------------------- */

static void arm(struct worker *w, const struct toll_grpc_method *method, void *registered);

static void call_free(struct toll_grpc_call *c)
{
	if (c->message)
		grpc_byte_buffer_destroy(c->message);
	if (c->response)
		grpc_byte_buffer_destroy(c->response);
	if (c->call)
		grpc_call_unref(c->call);
	grpc_metadata_array_destroy(&c->metadata);
	if (!c->method)
		grpc_call_details_destroy(&c->details);
	free(c);
}

static void on_request(struct event *e, bool ok)
{
	struct toll_grpc_call *c = toll_container_of(e, struct toll_grpc_call, event);

	if (!ok) { /* the server shuts down */
		call_free(c);
		return;
	}
	arm(c->worker, c->method, c->registered);
	atomic_fetch_add_explicit(&c->worker->server->calls, 1, memory_order_relaxed);
	if (!c->method)
		toll_grpc_refuse(c, TOLL_GRPC_UNIMPLEMENTED, "unknown service or method",
		                 toll_slice(NULL, 0));
	else if (!c->message) /* cancelled, or over the size limit: the library has answered that */
		toll_grpc_refuse(c, TOLL_GRPC_INTERNAL, "no message", toll_slice(NULL, 0));
	else
		c->method->handle(c->method->ctx, c);
}

/* Waits for one more request. Out of memory: one less is waited for; the others go on. */
static void arm(struct worker *w, const struct toll_grpc_method *method, void *registered)
{
	struct toll_grpc_call *c = calloc(1, sizeof(*c));
	grpc_call_error err;

	if (!c)
		return;
	c->event.fn = on_request;
	c->worker = w;
	c->method = method;
	c->registered = registered;
	grpc_metadata_array_init(&c->metadata);
	if (method) {
		err = grpc_server_request_registered_call(w->server->server, registered, &c->call,
		                                          &c->deadline, &c->metadata, &c->message,
		                                          w->queue, w->queue, &c->event);
	} else {
		grpc_call_details_init(&c->details);
		err = grpc_server_request_call(w->server->server, &c->call, &c->details,
		                               &c->metadata, w->queue, w->queue, &c->event);
	}
	if (err != GRPC_CALL_OK)
		call_free(c);
}

static void arm_all(struct worker *w)
{
	struct toll_grpc_server *s = w->server;

	for (size_t m = 0; m < s->set.method_count; m++)
		for (int i = 0; i < ARMED_METHODS; i++)
			arm(w, &s->set.methods[m], s->registered[m]);
	for (int i = 0; i < ARMED_UNKNOWN; i++)
		arm(w, NULL, NULL);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		grpc_event e = grpc_completion_queue_next(
			w->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		struct event *event = e.tag;

		if (e.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		if (e.type == GRPC_OP_COMPLETE)
			event->fn(event, e.success);
	}
}

/* ---- answering
 * --------------------------------------------------------------------------------------- */

static void on_answered(struct event *e, bool ok TOLL_UNUSED)
{
	struct toll_grpc_call *c = toll_container_of(e, struct toll_grpc_call, event);
	struct toll_grpc_server *s = c->worker->server;

	call_free(c);
	atomic_fetch_sub_explicit(&s->calls, 1, memory_order_release);
}

/* One batch: head, message if there is one, status; done when the client is gone or has it all. */
static void answer(struct toll_grpc_call *c, grpc_status_code status, grpc_slice *message,
                   grpc_metadata *details)
{
	grpc_op ops[4] = { { .op = GRPC_OP_SEND_INITIAL_METADATA } };
	size_t n = 1;

	if (c->response) {
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = c->response;
	}
	ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[n].data.send_status_from_server.status = status;
	ops[n].data.send_status_from_server.status_details = message;
	ops[n].data.send_status_from_server.trailing_metadata = details;
	ops[n++].data.send_status_from_server.trailing_metadata_count = details ? 1 : 0;
	ops[n].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	ops[n++].data.recv_close_on_server.cancelled = &c->cancelled;
	c->event.fn = on_answered;
	if (grpc_call_start_batch(c->call, ops, n, &c->event, NULL) != GRPC_CALL_OK)
		on_answered(&c->event, false);
}

void toll_grpc_reply(struct toll_grpc_call *c, struct toll_slice response)
{
	grpc_slice s =
		grpc_slice_from_copied_buffer(response.ptr ? response.ptr : "", response.len);

	c->response = grpc_raw_byte_buffer_create(&s, 1);
	grpc_slice_unref(s);
	answer(c, GRPC_STATUS_OK, NULL, NULL);
}

void toll_grpc_refuse(struct toll_grpc_call *c, enum toll_grpc_status status, const char *message,
                      struct toll_slice details)
{
	grpc_slice text = grpc_slice_from_copied_string(message);
	grpc_metadata md = { .key = grpc_slice_from_static_string("grpc-status-details-bin") };

	if (details.len)
		md.value = grpc_slice_from_copied_buffer(details.ptr, details.len);
	answer(c, (grpc_status_code)status, &text, details.len ? &md : NULL);
	grpc_slice_unref(text);
	if (details.len)
		grpc_slice_unref(md.value);
}

/* ---- the message
 * --------------------------------------------------------------------------------------- */

static const grpc_slice_buffer *slices_of(const struct toll_grpc_call *c)
{
	return &c->message->data.raw.slice_buffer;
}

size_t toll_grpc_call_size(const struct toll_grpc_call *c)
{
	return slices_of(c)->length;
}

enum toll_grpc_encoding toll_grpc_call_encoding(const struct toll_grpc_call *c)
{
	return c->message->data.raw.compression == GRPC_COMPRESS_GZIP ? TOLL_GRPC_GZIP
	                                                              : TOLL_GRPC_IDENTITY;
}

void toll_grpc_call_take(struct toll_grpc_call *c, char *out)
{
	const grpc_slice_buffer *b = slices_of(c);

	for (size_t i = 0; i < b->count; i++) {
		size_t len = GRPC_SLICE_LENGTH(b->slices[i]);

		memcpy(out, GRPC_SLICE_START_PTR(b->slices[i]), len);
		out += len;
	}
	grpc_byte_buffer_destroy(c->message);
	c->message = NULL;
}

void *toll_grpc_call_state(struct toll_grpc_call *c)
{
	return c->state;
}

char *toll_grpc_call_peer(struct toll_grpc_call *c)
{
	char *peer = grpc_call_get_peer(c->call), *copy = peer ? strdup(peer) : NULL;

	gpr_free(peer);
	return copy;
}

/* ---- life
 * ------------------------------------------------------------------------------------------------
 */

struct args {
	grpc_arg at[20];
	size_t count;
};

static void add_int(struct args *a, const char *key, int64_t value)
{
	assert(a->count < TOLL_COUNT(a->at));
	a->at[a->count++] =
		(grpc_arg){ .type = GRPC_ARG_INTEGER,
		            .key = (char *)(uintptr_t)key,
		            .value.integer = value > INT32_MAX ? INT32_MAX : (int)value };
}

static void add_ms(struct args *a, const char *key, uint64_t ns)
{
	if (ns)
		add_int(a, key, (int64_t)((ns + TOLL_MS - 1) / TOLL_MS));
}

static grpc_resource_quota *add_limits(struct args *a, const struct toll_grpc_server_settings *set)
{
	grpc_resource_quota *quota = NULL;

	if (set->max_message_bytes)
		add_int(a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int64_t)set->max_message_bytes);
	if (set->max_concurrent_streams)
		add_int(a, GRPC_ARG_MAX_CONCURRENT_STREAMS, set->max_concurrent_streams);
	if (set->max_memory_bytes) {
		quota = grpc_resource_quota_create("spantoll");
		grpc_resource_quota_resize(quota, set->max_memory_bytes);
		a->at[a->count++] =
			(grpc_arg){ .type = GRPC_ARG_POINTER,
			            .key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
			            .value.pointer = { quota, grpc_resource_quota_arg_vtable() } };
	}
	return quota;
}

static void add_keepalive(struct args *a, const struct toll_grpc_server_settings *set)
{
	add_ms(a, GRPC_ARG_MAX_CONNECTION_IDLE_MS, set->max_connection_idle);
	add_ms(a, GRPC_ARG_MAX_CONNECTION_AGE_MS, set->max_connection_age);
	add_ms(a, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, set->max_connection_age_grace);
	add_ms(a, GRPC_ARG_KEEPALIVE_TIME_MS, set->keepalive_time);
	add_ms(a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, set->keepalive_timeout);
	add_ms(a, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, set->keepalive_min_time);
	if (set->keepalive_permit_without_stream)
		add_int(a, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

static grpc_server *create_server(const struct toll_grpc_server_settings *set)
{
	struct args a = { .count = 0 };
	grpc_resource_quota *quota;
	grpc_channel_args args;
	grpc_server *server;

	/* A busy port must be an error, not a share of somebody else's traffic. */
	add_int(&a, GRPC_ARG_ALLOW_REUSEPORT, 0);
	/* Core inflates before it looks at the size: 1 MB can become 1 GB. Handlers inflate with a
	 * cap. Encodings that they do not know are refused by core, which names the ones they do.
	 */
	add_int(&a, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
	add_int(&a, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
	        1 << GRPC_COMPRESS_NONE | 1 << GRPC_COMPRESS_GZIP);
	add_int(&a, GRPC_ARG_MAX_METADATA_SIZE, 16 * 1024);
	quota = add_limits(&a, set);
	add_keepalive(&a, set);
	args = (grpc_channel_args){ a.count, a.at };
	server = grpc_server_create(&args, NULL);
	if (quota)
		grpc_resource_quota_unref(quota);
	return server;
}

static int register_methods(struct toll_grpc_server *s)
{
	s->registered = calloc(s->set.method_count + 1, sizeof(*s->registered));
	s->methods = calloc(s->set.method_count + 1, sizeof(*s->methods));
	if (!s->registered || !s->methods)
		return TOLL_ENOMEM;
	memcpy(s->methods, s->set.methods, s->set.method_count * sizeof(*s->methods));
	s->set.methods = s->methods;
	for (size_t i = 0; i < s->set.method_count; i++) {
		s->registered[i] =
			grpc_server_register_method(s->server, s->set.methods[i].path, NULL,
		                                    GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
		if (!s->registered[i])
			return TOLL_EINTERNAL;
	}
	return 0;
}

static int create_workers(struct toll_grpc_server *s)
{
	s->workers = calloc(s->set.workers, sizeof(*s->workers));
	if (!s->workers)
		return TOLL_ENOMEM;
	for (unsigned i = 0; i < s->set.workers; i++) {
		s->workers[i].server = s;
		s->workers[i].queue = grpc_completion_queue_create_for_next(NULL);
		grpc_server_register_completion_queue(s->server, s->workers[i].queue, NULL);
	}
	return 0;
}

static int bind_endpoint(struct toll_grpc_server *s, struct toll_error *reterr)
{
	grpc_server_credentials *insecure = grpc_insecure_server_credentials_create();

	s->port = grpc_server_add_http2_port(s->server, s->set.endpoint, insecure);
	grpc_server_credentials_release(insecure);
	if (s->port == 0)
		return toll_fail(reterr, TOLL_EREFUSED,
		                 "%s: cannot listen on %s: is the port in use, or not allowed?",
		                 s->set.setting, s->set.endpoint);
	return 0;
}

int toll_grpc_server_new(const struct toll_grpc_server_settings *set, struct toll_grpc_server **ret,
                         struct toll_error *reterr)
{
	struct toll_grpc_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->setting);
	grpc_init();
	s->set = *set;
	pthread_mutex_init(&s->lock, NULL);
	err = toll_cond_init(&s->changed);
	s->server = create_server(set);
	if (!err)
		err = register_methods(s);
	if (!err)
		err = create_workers(s);
	if (err)
		toll_fail(reterr, err, "%s: cannot make a gRPC server: %s", set->setting,
		          toll_err_text(err));
	else
		err = bind_endpoint(s, reterr);
	if (err)
		return toll_grpc_server_free(s), err;
	*ret = s;
	return 0;
}

int toll_grpc_server_start(struct toll_grpc_server *s, struct toll_error *reterr)
{
	grpc_server_start(s->server);
	s->started = true;
	for (unsigned i = 0; i < s->set.workers; i++) {
		arm_all(&s->workers[i]);
		if (toll_thread_start(&s->workers[i].thread, "toll-grpc", work, &s->workers[i]))
			return toll_fail(reterr, TOLL_ENOMEM, "%s: cannot start a thread",
			                 s->set.setting);
		s->workers[i].running = true;
	}
	return 0;
}

int toll_grpc_server_port(const struct toll_grpc_server *s)
{
	return s->port;
}

static void on_quiet(struct event *e, bool ok TOLL_UNUSED)
{
	struct toll_grpc_server *s = toll_container_of(e, struct toll_grpc_server, shut_down);

	pthread_mutex_lock(&s->lock);
	s->quiet = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static bool wait_quiet(struct toll_grpc_server *s, uint64_t deadline_mono_ns)
{
	bool quiet;

	pthread_mutex_lock(&s->lock);
	while (!s->quiet && toll_cond_wait_until(&s->changed, &s->lock, deadline_mono_ns) == 0)
		continue;
	quiet = s->quiet;
	pthread_mutex_unlock(&s->lock);
	return quiet;
}

void toll_grpc_server_shutdown(struct toll_grpc_server *s, uint64_t deadline_mono_ns)
{
	if (!s || !s->started || s->stopped)
		return;
	s->stopped = true;
	s->shut_down.fn = on_quiet;
	grpc_server_shutdown_and_notify(s->server, s->workers[0].queue, &s->shut_down);
	if (s->workers[0].running && !wait_quiet(s, deadline_mono_ns))
		grpc_server_cancel_all_calls(s->server);
}

/* A server that never started its threads has to be emptied by hand. */
static void drain_queue(struct worker *w)
{
	if (w->running)
		pthread_join(w->thread, NULL);
	else
		work(w);
	grpc_completion_queue_destroy(w->queue);
}

struct toll_grpc_server *toll_grpc_server_free(struct toll_grpc_server *s)
{
	if (!s)
		return NULL;
	if (s->started)
		toll_grpc_server_shutdown(s, toll_clock_mono_ns());
	if (s->started && s->workers && s->workers[0].running)
		wait_quiet(s, 0);
	if (s->server && !s->started && s->workers) {
		s->shut_down.fn = on_quiet;
		grpc_server_shutdown_and_notify(s->server, s->workers[0].queue, &s->shut_down);
	}
	for (unsigned i = 0; s->workers && i < s->set.workers; i++) {
		grpc_completion_queue_shutdown(s->workers[i].queue);
		drain_queue(&s->workers[i]);
	}
	if (s->server)
		grpc_server_destroy(s->server);
	free(s->workers);
	free(s->registered);
	free(s->methods);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
	grpc_shutdown();
	return NULL;
}
