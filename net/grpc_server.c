/* SPDX-License-Identifier: Apache-2.0 */
/* A call's life: armed (core may fill it) -> receiving -> handled -> answered -> armed again or
 * kept for later. Its events come through the queue of its worker, so all but `handled` belong to
 * that worker's thread. */
#include "net/grpc_server.h"

#include <assert.h>
#include <grpc/compression.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/endpoint.h"
#include "net/grpc_args.h"
#include "net/grpc_library.h"
#include "net/grpc_tls.h"
#include "net/unix_socket.h"

enum {
	ARMED = 16, /* calls core may hand over before the worker looks again */
	KEPT = 64,  /* unused calls that a worker keeps */
	MAX_METADATA = 16 << 10,
};

#define TICK_NS    TOLL_S
#define CANCEL_NS  (TOLL_S / 10) /* for handlers to answer calls that were cancelled */
#define GOODBYE_NS (TOLL_S / 10) /* for connections to end by themselves */

/* In the low bits of a tag: which of a call's events this is. */
enum step { STEP_REQUEST = 0, STEP_MESSAGE, STEP_ANSWERED, STEP_MASK = 3 };

struct toll_grpc_call {
	struct worker *worker;
	struct toll_grpc_call *prev, *next; /* in a list of the worker; next alone among the kept */
	grpc_call *call;
	atomic_bool baton;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *message, *response;
	const struct toll_grpc_method *method;
	uint64_t since_mono_ns; /* in its list */
	grpc_slice text;
	grpc_metadata trailer;
	int cancelled; /* before the answer: by us, because it was overdue */
	bool has_trailer, in_answered;
	_Alignas(max_align_t) char data[];
};

/* In order of time. */
struct call_list {
	struct toll_grpc_call *oldest, *newest;
};

struct worker {
	struct toll_grpc_server *server;
	grpc_completion_queue *queue;
	pthread_t thread;
	bool running;
	unsigned index;
	/* The thread's own. */
	unsigned armed, kept_count;
	struct toll_grpc_call *kept;
	struct call_list receiving;
	/* Calls join it on the thread that answers and leave it on the worker's. */
	pthread_mutex_t answered_lock;
	struct call_list answered;
};

struct toll_grpc_server {
	struct toll_grpc_server_settings set;
	struct toll_grpc_server *next;       /* of the live ones */
	struct toll_endpoint bound;          /* numeric */
	char place[TOLL_ENDPOINT_MAX + 128]; /* setting and endpoint */
	grpc_server *core;
	grpc_resource_quota *quota;
	struct toll_grpc_tls tls;
	struct worker *workers;
	struct toll_grpc_server_counts counts;
	atomic_bool stopping;
	atomic_uint calls;    /* armed or inside */
	pthread_mutex_t lock; /* guards closed and the end of calls */
	pthread_cond_t changed;
	bool shut, closed; /* core was told to stop; core has let go of every connection */
	char address[TOLL_ENDPOINT_MAX];
};

static char closed_tag; /* its address marks the end of core's shutdown */

/* Servers of this process with a port: a reload may open one for the same setting again while the
 * one before still answers. */
static struct toll_grpc_server *live;
static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- lists ---- */

static void list_append(struct call_list *l, struct toll_grpc_call *c)
{
	c->since_mono_ns = toll_clock_mono_ns();
	c->prev = l->newest;
	c->next = NULL;
	if (l->newest)
		l->newest->next = c;
	else
		l->oldest = c;
	l->newest = c;
}

static void list_remove(struct call_list *l, struct toll_grpc_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		l->oldest = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		l->newest = c->prev;
}

/* ---- calls ---- */

static void *tag_of(struct toll_grpc_call *c, enum step step)
{
	return (char *)c + step;
}

static struct toll_grpc_call *call_new(struct worker *w)
{
	struct toll_grpc_call *c = w->kept;

	if (c) {
		w->kept = c->next;
		w->kept_count--;
	} else {
		c = malloc(sizeof(*c) + w->server->set.call_size);
		if (!c)
			return NULL;
		grpc_metadata_array_init(&c->metadata);
		atomic_init(&c->baton, false);
	}
	c->worker = w;
	c->prev = c->next = NULL;
	c->call = NULL;
	c->message = c->response = NULL;
	c->text = grpc_empty_slice();
	c->has_trailer = c->in_answered = false;
	grpc_call_details_init(&c->details);
	return c;
}

static void call_keep(struct toll_grpc_call *c)
{
	struct worker *w = c->worker;

	if (w->kept_count >= KEPT) {
		grpc_metadata_array_destroy(&c->metadata);
		free(c);
		return;
	}
	c->next = w->kept;
	w->kept = c;
	w->kept_count++;
}

static void drop_message(struct toll_grpc_call *c)
{
	grpc_byte_buffer_destroy(c->message);
	c->message = NULL;
}

static void leave(struct toll_grpc_server *s)
{
	if (atomic_fetch_sub(&s->calls, 1) != 1)
		return;
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* The last use of c: its worker keeps it or frees it. */
static void call_end(struct toll_grpc_call *c)
{
	struct toll_grpc_server *s = c->worker->server;

	drop_message(c);
	grpc_byte_buffer_destroy(c->response);
	grpc_call_details_destroy(&c->details);
	grpc_slice_unref(c->text);
	if (c->has_trailer) {
		grpc_slice_unref(c->trailer.key);
		grpc_slice_unref(c->trailer.value);
	}
	c->metadata.count = 0; /* its elements were the call's */
	if (c->call)
		grpc_call_unref(c->call);
	call_keep(c);
	leave(s);
}

/* ---- the answer ---- */

static void add_answered(struct toll_grpc_call *c)
{
	struct worker *w = c->worker;

	pthread_mutex_lock(&w->answered_lock);
	c->in_answered = true;
	list_append(&w->answered, c);
	pthread_mutex_unlock(&w->answered_lock);
}

static void remove_answered(struct toll_grpc_call *c)
{
	struct worker *w = c->worker;

	pthread_mutex_lock(&w->answered_lock);
	if (c->in_answered)
		list_remove(&w->answered, c);
	c->in_answered = false;
	pthread_mutex_unlock(&w->answered_lock);
}

/* The oldest, when its time is over; it is in the list no more. */
static struct toll_grpc_call *take_unread(struct worker *w)
{
	struct toll_grpc_call *c;

	pthread_mutex_lock(&w->answered_lock);
	c = w->answered.oldest;
	if (c && toll_clock_mono_ns() - c->since_mono_ns < w->server->set.answer_timeout_ns)
		c = NULL;
	if (c) {
		list_remove(&w->answered, c);
		c->in_answered = false;
	}
	pthread_mutex_unlock(&w->answered_lock);
	return c;
}

/* Clients that grant no window would keep their calls for ever. Their STEP_ANSWERED follows; until
 * this thread sees it they are there. */
static void cancel_unread(struct worker *w)
{
	for (struct toll_grpc_call *c; (c = take_unread(w));) {
		atomic_fetch_add_explicit(&w->server->counts.unread, 1, memory_order_relaxed);
		grpc_call_cancel_with_status(c->call, GRPC_STATUS_DEADLINE_EXCEEDED,
		                             "the answer was not read in time", NULL);
	}
}

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
	if (grpc_call_start_batch(call, ops, n, tag_of(c, STEP_ANSWERED), NULL) != GRPC_CALL_OK)
		abort();
}

static void refuse(struct toll_grpc_call *c, int status, const char *why)
{
	struct toll_grpc_answer a = { .status = status, .message = why };

	toll_grpc_answer(c, &a);
}

/* ---- receiving ---- */

/* Their message will not come: their STEP_MESSAGE arrives without one. */
static void cancel_overdue(struct worker *w)
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

static void arm(struct worker *w)
{
	struct toll_grpc_server *s = w->server;

	while (w->armed < ARMED) {
		struct toll_grpc_call *c;

		atomic_fetch_add(&s->calls, 1); /* first, so that stop() sees it or we see stop() */
		c = atomic_load(&s->stopping) ? NULL : call_new(w);
		if (!c) { /* without memory: again at the next event or tick */
			leave(s);
			return;
		}
		w->armed++;
		toll_grpc_give(&c->baton);
		if (grpc_server_request_call(s->core, &c->call, &c->details, &c->metadata, w->queue,
		                             w->queue, tag_of(c, STEP_REQUEST)) != GRPC_CALL_OK)
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

static void on_request(struct worker *w, struct toll_grpc_call *c, bool ok)
{
	struct toll_grpc_server *s = w->server;
	grpc_op op = { 0 };

	w->armed--;
	arm(w);
	if (!ok) {
		call_end(c);
		return;
	}
	c->method = find_method(s, &c->details.method);
	if (!c->method) {
		atomic_fetch_add_explicit(&s->counts.unknown_methods, 1, memory_order_relaxed);
		refuse(c, GRPC_STATUS_UNIMPLEMENTED, "unknown method");
		return;
	}
	c->cancelled = 0;
	op.op = GRPC_OP_RECV_MESSAGE;
	op.data.recv_message.recv_message = &c->message;
	list_append(&w->receiving, c);
	if (grpc_call_start_batch(c->call, &op, 1, tag_of(c, STEP_MESSAGE), NULL) != GRPC_CALL_OK)
		abort(); /* used wrongly */
}

static void on_message(struct worker *w, struct toll_grpc_call *c)
{
	struct toll_grpc_server *s = w->server;

	list_remove(&w->receiving, c);
	if (!c->message) {
		if (!c->cancelled)
			atomic_fetch_add_explicit(&s->counts.lost, 1, memory_order_relaxed);
		refuse(c, GRPC_STATUS_CANCELLED, "no message");
		return;
	}
	c->method->handle(c->method->ctx, c);
	drop_message(c); /* c is there until this thread hears of its answer */
}

static void on_event(struct worker *w, const grpc_event *e)
{
	uintptr_t step = (uintptr_t)e->tag & STEP_MASK;
	struct toll_grpc_call *c = (struct toll_grpc_call *)(void *)((char *)e->tag - step);
	struct toll_grpc_server *s = w->server;

	if (e->tag == &closed_tag) {
		pthread_mutex_lock(&s->lock);
		s->closed = true;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		return;
	}
	toll_grpc_got(&c->baton);
	if (step == STEP_REQUEST) {
		on_request(w, c, e->success);
	} else if (step == STEP_MESSAGE) {
		on_message(w, c);
	} else {
		remove_answered(c);
		call_end(c);
	}
}

static void forget_kept(struct worker *w)
{
	struct toll_grpc_call *next;

	for (struct toll_grpc_call *c = w->kept; c; c = next) {
		next = c->next;
		grpc_metadata_array_destroy(&c->metadata);
		free(c);
	}
	w->kept = NULL;
}

static void *serve(void *arg)
{
	struct worker *w = arg;
	gpr_timespec wake = toll_grpc_in(0);
	uint64_t tick = 0;

	for (;;) {
		grpc_event e;

		if (toll_clock_mono_ns() >= tick) {
			tick = toll_clock_mono_ns() + TICK_NS;
			wake = toll_grpc_in(TICK_NS);
			cancel_overdue(w);
			cancel_unread(w);
			arm(w);
		}
		e = grpc_completion_queue_next(w->queue, wake, NULL);
		if (e.type == GRPC_QUEUE_SHUTDOWN)
			break;
		if (e.type == GRPC_OP_COMPLETE)
			on_event(w, &e);
	}
	forget_kept(w);
	return NULL;
}

/* ---- inside a handler ---- */

void *toll_grpc_call_data(struct toll_grpc_call *c)
{
	return c->data;
}

struct toll_grpc_call *toll_grpc_call_of(void *data)
{
	return toll_container_of(data, struct toll_grpc_call, data);
}

enum toll_grpc_encoding toll_grpc_call_encoding(const struct toll_grpc_call *c)
{
	switch (c->message->data.raw.compression) {
	case GRPC_COMPRESS_NONE:
		return TOLL_GRPC_IDENTITY;
	case GRPC_COMPRESS_GZIP:
		return TOLL_GRPC_GZIP;
	default:
		return TOLL_GRPC_OTHER;
	}
}

size_t toll_grpc_call_size(const struct toll_grpc_call *c)
{
	return toll_grpc_buffer_size(c->message);
}

void toll_grpc_call_take(struct toll_grpc_call *c, char *out)
{
	toll_grpc_buffer_copy(c->message, out);
	drop_message(c);
}

unsigned toll_grpc_call_worker(const struct toll_grpc_call *c)
{
	return c->worker->index;
}

/* Core says "ipv4:127.0.0.1:40312", "ipv6:%5B::1%5D:40312" or "unix:". */
void toll_grpc_call_peer(const struct toll_grpc_call *c, char *buf, size_t size)
{
	char *text = grpc_call_get_peer(c->call);
	const char *at = strchr(text, ':');
	size_t len = 0;

	if (!at || strncmp(text, "unix", 4) == 0)
		at = "unix";
	else
		at++;
	for (; *at && len + 1 < size; at++) {
		if (strncmp(at, "%5B", 3) == 0 || strncmp(at, "%5D", 3) == 0) {
			buf[len++] = at[2] == 'B' ? '[' : ']';
			at += 2;
		} else {
			buf[len++] = *at;
		}
	}
	buf[len] = '\0';
	gpr_free(text);
}

struct toll_slice toll_grpc_call_header(const struct toll_grpc_call *c, const char *name)
{
	for (size_t i = 0; i < c->metadata.count; i++)
		if (toll_slice_is(toll_grpc_view(&c->metadata.metadata[i].key), name))
			return toll_grpc_view(&c->metadata.metadata[i].value);
	return toll_slice(NULL, 0);
}

const char *toll_grpc_call_client(const struct toll_grpc_call *c, char *buf, size_t size)
{
	return toll_grpc_tls_client(c->call, buf, size);
}

/* ---- life ---- */

static void set_default(uint64_t *value, uint64_t preset)
{
	if (!*value)
		*value = preset;
}

static void fill_defaults(struct toll_grpc_server_settings *set)
{
	if (!set->workers)
		set->workers = 1;
	if (!set->max_message_bytes)
		set->max_message_bytes = (size_t)4 << 20;
	if (!set->read_buffer_bytes)
		set->read_buffer_bytes = (size_t)512 << 10;
	if (!set->max_streams)
		set->max_streams = 100;
	set_default(&set->handshake_timeout_ns, 5 * TOLL_S);
	set_default(&set->message_timeout_ns, 30 * TOLL_S);
	set_default(&set->answer_timeout_ns, 30 * TOLL_S);
	set_default(&set->max_connection_idle_ns, TOLL_GRPC_FOREVER);
	set_default(&set->max_connection_age_ns, TOLL_GRPC_FOREVER);
	set_default(&set->max_connection_age_grace_ns, TOLL_GRPC_FOREVER);
	set_default(&set->keepalive_time_ns, 7200 * TOLL_S);
	set_default(&set->keepalive_timeout_ns, 20 * TOLL_S);
	set_default(&set->keepalive_min_time_ns, 300 * TOLL_S);
}

static void add_limits(struct toll_grpc_args *a, const struct toll_grpc_server_settings *set)
{
	toll_grpc_add_int(a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
	                  toll_grpc_int(set->max_message_bytes));
	toll_grpc_add_int(a, GRPC_ARG_MAX_METADATA_SIZE, MAX_METADATA);
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONCURRENT_STREAMS, toll_grpc_int(set->max_streams));
	toll_grpc_add_int(a, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
	                  toll_grpc_ms(set->handshake_timeout_ns));
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONNECTION_IDLE_MS,
	                  toll_grpc_ms(set->max_connection_idle_ns));
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONNECTION_AGE_MS,
	                  toll_grpc_ms(set->max_connection_age_ns));
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
	                  toll_grpc_ms(set->max_connection_age_grace_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_TIME_MS, toll_grpc_ms(set->keepalive_time_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
	                  toll_grpc_ms(set->keepalive_timeout_ns));
	toll_grpc_add_int(a, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
	                  toll_grpc_ms(set->keepalive_min_time_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS,
	                  set->keepalive_permit_without_stream);
}

static void add_behaviour(struct toll_grpc_args *a, const struct toll_grpc_server_settings *set)
{
	/* For the server that a reload puts in our place; see live. Another process is found out by
	 * resolve(). */
	toll_grpc_add_int(a, GRPC_ARG_ALLOW_REUSEPORT, 1);
	/* A bomb would inflate before core looks at its size. */
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
	/* Others are refused by core, with the list of these. */
	toll_grpc_add_int(a, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
	                  1 << GRPC_COMPRESS_NONE | 1 << GRPC_COMPRESS_GZIP);
	toll_grpc_add_int(a, GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE,
	                  toll_grpc_int(set->read_buffer_bytes));
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_CHANNELZ, 0);
}

static void make_core(struct toll_grpc_server *s)
{
	struct toll_grpc_args a = { .count = 0 };
	grpc_channel_args args;

	add_limits(&a, &s->set);
	add_behaviour(&a, &s->set);
	if (s->set.memory_bytes) {
		static char quota_key[] = GRPC_ARG_RESOURCE_QUOTA;

		s->quota = grpc_resource_quota_create(s->set.setting);
		grpc_resource_quota_resize(s->quota, s->set.memory_bytes);
		a.list[a.count++] =
			(grpc_arg){ GRPC_ARG_POINTER,
			            quota_key,
			            { .pointer = { s->quota, grpc_resource_quota_arg_vtable() } } };
	}
	args = (grpc_channel_args){ a.count, a.list };
	s->core = grpc_server_create(&args, NULL);
	for (unsigned i = 0; i < s->set.workers; i++) {
		s->workers[i].queue = grpc_completion_queue_create_for_next(NULL);
		grpc_server_register_completion_queue(s->core, s->workers[i].queue, NULL);
	}
}

static bool is_unix(const struct toll_grpc_server *s)
{
	return strncmp(s->set.endpoint, "unix:", 5) == 0;
}

static void join_live(struct toll_grpc_server *s)
{
	pthread_mutex_lock(&live_lock);
	s->next = live;
	live = s;
	pthread_mutex_unlock(&live_lock);
}

static void leave_live(struct toll_grpc_server *s)
{
	struct toll_grpc_server **at = &live;

	pthread_mutex_lock(&live_lock);
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	pthread_mutex_unlock(&live_lock);
}

/* The same setting listens at the same place: its address. */
static bool find_predecessor(const struct toll_grpc_server *s, struct toll_endpoint *ret)
{
	const struct toll_grpc_server *other;

	pthread_mutex_lock(&live_lock);
	for (other = live; other; other = other->next)
		if (strcmp(other->place, s->place) == 0 && (other->bound.port || is_unix(other)))
			break;
	if (other)
		*ret = other->bound;
	pthread_mutex_unlock(&live_lock);
	return other != NULL;
}

/* The one address that a name stands for; a busy port is found out here, with a sentence. */
static int resolve(struct toll_grpc_server *s, struct toll_endpoint *ret, struct toll_error *reterr)
{
	struct toll_endpoint e;
	struct toll_error why;
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	uint16_t port;
	int fd, err = toll_endpoint_parse(toll_slice_str(s->set.endpoint), &e, &why);

	if (err < 0)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: %s", s->set.setting, why.text);
	err = toll_endpoint_listen(&e, s->set.setting, &fd, &port, reterr);
	if (err < 0)
		return err;
	err = getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
	                      getnameinfo((struct sockaddr *)&at, len, ret->host, sizeof(ret->host),
	                                  NULL, 0, NI_NUMERICHOST) == 0
	              ? 0
	              : toll_fail(reterr, TOLL_EINTERNAL, "%s: cannot tell the address of %s",
	                          s->set.setting, s->set.endpoint);
	close(fd);
	ret->port = e.port ? port : 0;
	return err;
}

static int make_credentials(struct toll_grpc_server *s, grpc_server_credentials **ret,
                            struct toll_error *reterr)
{
	s->tls.server = s->set.tls;
	if (s->set.tls)
		return toll_grpc_tls_credentials(&s->tls, ret, reterr);
	*ret = grpc_insecure_server_credentials_create();
	return 0;
}

/* Core would take the path from whoever listens there. */
static int check_path(const struct toll_grpc_server *s, struct toll_error *reterr)
{
	struct toll_unix_socket at;
	int fd, err = toll_unix_listen(s->set.endpoint + strlen("unix:"), s->set.setting, &fd, &at,
	                               reterr);

	if (err)
		return err;
	close(fd);
	toll_unix_unlink(&at);
	return 0;
}

/* Core takes the file away when it closes a socket, whoever listens there by then. */
static int check_unix(const struct toll_grpc_server *s, struct toll_error *reterr)
{
	struct toll_endpoint unused;

	if (!find_predecessor(s, &unused))
		return check_path(s, reterr);
	return toll_fail(reterr, TOLL_EFULL,
	                 "%s: a receiver cannot change on its unix socket %s while it runs: choose "
	                 "another path, or restart",
	                 s->set.setting, s->set.endpoint);
}

static int find_address(struct toll_grpc_server *s, struct toll_endpoint *ret,
                        struct toll_error *reterr)
{
	if (is_unix(s))
		return check_unix(s, reterr);
	return find_predecessor(s, ret) ? 0 : resolve(s, ret, reterr);
}

static int open_port(struct toll_grpc_server *s, struct toll_error *reterr)
{
	struct toll_endpoint e = { .port = 0 };
	char text[TOLL_ENDPOINT_MAX];
	grpc_server_credentials *credentials = NULL;
	int port, err = find_address(s, &e, reterr);

	if (!err)
		err = make_credentials(s, &credentials, reterr);
	if (err < 0)
		return err;
	port = grpc_server_add_http2_port(
		s->core, is_unix(s) ? s->set.endpoint : toll_endpoint_print(&e, text), credentials);
	grpc_server_credentials_release(credentials);
	if (port == 0)
		return toll_fail(reterr, TOLL_EFULL, "%s: cannot listen on %s%s", s->set.setting,
		                 s->set.endpoint,
		                 s->set.tls ? ", or OpenSSL does not accept the certificate" : "");
	s->bound = e; /* port 0, any: nobody can ask for the same again */
	e.port = (uint16_t)port;
	snprintf(s->address, sizeof(s->address), "%s",
	         is_unix(s) ? s->set.endpoint : toll_endpoint_local_url(&e, text));
	return 0;
}

static int start_workers(struct toll_grpc_server *s)
{
	for (unsigned i = 0; i < s->set.workers; i++) {
		struct worker *w = &s->workers[i];

		if (toll_thread_start(&w->thread, s->set.thread, serve, w) < 0)
			return TOLL_ENOMEM;
		w->running = true;
	}
	return 0;
}

int toll_grpc_server_new(const struct toll_grpc_server_settings *set, struct toll_grpc_server **ret,
                         struct toll_error *reterr)
{
	struct toll_grpc_server *s = calloc(1, sizeof(*s));
	int err = toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->setting);

	if (!s)
		return err;
	s->set = *set;
	fill_defaults(&s->set);
	snprintf(s->place, sizeof(s->place), "%s %s", set->setting, set->endpoint);
	pthread_mutex_init(&s->lock, NULL);
	toll_grpc_library_ref();
	s->workers = calloc(s->set.workers, sizeof(*s->workers));
	if (!s->workers || toll_cond_init(&s->changed) < 0)
		goto fail;
	for (unsigned i = 0; i < s->set.workers; i++) {
		s->workers[i] = (struct worker){ .server = s, .index = i };
		pthread_mutex_init(&s->workers[i].answered_lock, NULL);
	}
	make_core(s);
	err = open_port(s, reterr);
	if (err < 0)
		goto fail;
	join_live(s);
	grpc_server_start(s->core);
	err = start_workers(s);
	if (err < 0) {
		toll_fail(reterr, err, "%s: cannot start a worker", set->setting);
		goto fail;
	}
	*ret = s;
	return 0;
fail:
	if (toll_grpc_server_stop(s, 0))
		toll_grpc_server_free(s);
	return err;
}

const char *toll_grpc_server_address(const struct toll_grpc_server *s)
{
	return s->address;
}

const struct toll_grpc_server_counts *toll_grpc_server_counts(const struct toll_grpc_server *s)
{
	return &s->counts;
}

/* Until every call is answered and, with closed, every connection gone. */
static bool wait_for(struct toll_grpc_server *s, bool closed, uint64_t deadline_mono_ns)
{
	bool done;

	pthread_mutex_lock(&s->lock);
	while (!(done = atomic_load(&s->calls) == 0 && (s->closed || !closed)))
		if (toll_clock_mono_ns() >= deadline_mono_ns ||
		    toll_cond_wait_until(&s->changed, &s->lock, deadline_mono_ns) < 0)
			break;
	pthread_mutex_unlock(&s->lock);
	return done;
}

void toll_grpc_server_close(struct toll_grpc_server *s)
{
	if (!s->core || s->shut)
		return;
	s->shut = true;
	atomic_store(&s->stopping, true);
	grpc_server_shutdown_and_notify(s->core, s->workers[0].queue, &closed_tag);
}

bool toll_grpc_server_stop(struct toll_grpc_server *s, uint64_t deadline_mono_ns)
{
	if (!s->core || !s->workers)
		return true;
	toll_grpc_server_close(s);
	if (!s->workers[0].running)
		return true; /* nothing was armed; free() fetches the notice */
	if (!wait_for(s, false, deadline_mono_ns)) {
		grpc_server_cancel_all_calls(s->core);
		if (!wait_for(s, false, toll_clock_mono_ns() + CANCEL_NS))
			return false;
	}
	/* Let clients that are idle take their leave. */
	wait_for(s, true, toll_clock_mono_ns() + GOODBYE_NS);
	return true;
}

static void close_queue(struct worker *w)
{
	if (!w->queue)
		return;
	grpc_completion_queue_shutdown(w->queue);
	if (w->running)
		pthread_join(w->thread, NULL);
	else
		serve(w); /* empties it */
	grpc_completion_queue_destroy(w->queue);
}

struct toll_grpc_server *toll_grpc_server_free(struct toll_grpc_server *s)
{
	if (!s)
		return NULL;
	leave_live(s);
	if (s->core) {
		assert(s->workers); /* came first */
		toll_grpc_server_stop(s, 0);
		grpc_server_cancel_all_calls(s->core);
		if (s->workers[0].running)
			wait_for(s, true, UINT64_MAX);
		for (unsigned i = 0; i < s->set.workers; i++)
			close_queue(&s->workers[i]);
		grpc_server_destroy(s->core);
	}
	if (s->quota)
		grpc_resource_quota_unref(s->quota);
	toll_grpc_library_unref();
	toll_grpc_tls_release(&s->tls);
	for (unsigned i = 0; s->workers && i < s->set.workers; i++)
		pthread_mutex_destroy(&s->workers[i].answered_lock);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->workers);
	free(s);
	return NULL;
}
