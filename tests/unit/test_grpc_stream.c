/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of net/: a call answered with many messages, and the client that reads them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/grpc_stream.h"
#include "net/grpc_watch.h"
#include "tests/unit/unit.h"

enum { UNAVAILABLE = 14, MESSAGES = 200 };

/* What the handler owns: one stream at a time. */
struct stream {
	pthread_mutex_t lock; /* guards what follows */
	struct toll_grpc_call *call;
	int sent, closed;
	bool on; /* sends the next message after every sent() */
};

static struct stream stream = { .lock = PTHREAD_MUTEX_INITIALIZER };
static atomic_int bodies; /* references that core holds */

static void destroy(struct toll_shared *shared)
{
	atomic_fetch_sub(&bodies, 1);
	free(shared);
}

static void send_next(struct toll_grpc_call *c)
{
	static const char body[] = "body";
	struct toll_shared *owner = malloc(sizeof(*owner));
	char head[16];

	assert_non_null(owner);
	toll_shared_init(owner, destroy);
	atomic_fetch_add(&bodies, 1);
	snprintf(head, sizeof(head), "%d ", stream.sent);
	toll_grpc_stream_send(c, toll_slice_str(head), toll_slice(body, 4), owner);
	toll_shared_unref(owner);
}

static void on_sent(void *ctx TOLL_UNUSED, struct toll_grpc_call *c)
{
	pthread_mutex_lock(&stream.lock);
	stream.sent++;
	if (stream.call && stream.on)
		send_next(c);
	pthread_mutex_unlock(&stream.lock);
}

static void on_closed(void *ctx TOLL_UNUSED, struct toll_grpc_call *c)
{
	bool ours;

	pthread_mutex_lock(&stream.lock);
	ours = stream.call != NULL;
	stream.call = NULL;
	stream.closed++;
	pthread_mutex_unlock(&stream.lock);
	if (ours)
		toll_grpc_stream_end(c, 0, NULL);
}

static const struct toll_grpc_stream_events events = { on_sent, on_closed, NULL };

static void handle(void *ctx TOLL_UNUSED, struct toll_grpc_call *c)
{
	pthread_mutex_lock(&stream.lock);
	stream.call = c;
	stream.sent = 0;
	toll_grpc_stream_begin(c, &events);
	send_next(c);
	pthread_mutex_unlock(&stream.lock);
}

static void end_stream(int status, const char *why)
{
	struct toll_grpc_call *c;

	pthread_mutex_lock(&stream.lock);
	c = stream.call;
	stream.call = NULL;
	pthread_mutex_unlock(&stream.lock);
	if (c)
		toll_grpc_stream_end(c, status, why);
}

/* ---- the client ---- */

struct rig {
	struct toll_grpc_server *server;
	char address[64];
	atomic_bool abort;
	int got, stop_after, result;
	char last[64];
	struct toll_error why;
};

static struct rig rig_start(bool on)
{
	static const struct toll_grpc_method method = { "/test.S/Watch", handle, NULL };
	const struct toll_grpc_server_settings set = { .endpoint = "127.0.0.1:0",
		                                       .setting = "test",
		                                       .thread = "test",
		                                       .methods = &method,
		                                       .method_count = 1 };
	struct rig r = { .stop_after = MESSAGES };

	stream.on = on;
	stream.closed = stream.sent = 0;
	assert_int_equal(toll_grpc_server_new(&set, &r.server, &r.why), 0);
	snprintf(r.address, sizeof(r.address), "%s", toll_grpc_server_address(r.server));
	return r;
}

static void rig_end(struct rig *r)
{
	assert_true(toll_grpc_server_stop(r->server, toll_clock_mono_ns() + 5 * TOLL_S));
	toll_grpc_server_free(r->server);
	for (int i = 0; atomic_load(&bodies) && i < 5000; i++)
		usleep(1000); /* core lets go of what it has sent a little later */
	assert_int_equal(atomic_load(&bodies), 0);
}

static int keep(void *ctx, struct toll_slice message)
{
	struct rig *r = ctx;

	snprintf(r->last, sizeof(r->last), "%.*s", TOLL_FMT(message));
	return ++r->got >= r->stop_after ? TOLL_EINVALID : 0;
}

static void *watch(void *ctx)
{
	struct rig *r = ctx;
	const struct toll_grpc_client_settings client = { .target = r->address,
		                                          .max_response_bytes = 32 };
	const struct toll_grpc_watch w = { .client = &client,
		                           .method = "/test.S/Watch",
		                           .request = TOLL_SLICE("q"),
		                           .silence_ns = 2 * TOLL_S,
		                           .abort = &r->abort,
		                           .on_message = keep,
		                           .ctx = r };

	r->result = toll_grpc_watch(&w, &r->why);
	return NULL;
}

static bool eventually_closed(void)
{
	uint64_t deadline = toll_clock_mono_ns() + 10 * TOLL_S;
	bool closed = false;

	while (!closed && toll_clock_mono_ns() < deadline) {
		usleep(1000);
		pthread_mutex_lock(&stream.lock);
		closed = stream.closed > 0;
		pthread_mutex_unlock(&stream.lock);
	}
	return closed;
}

static bool eventually_sent(void)
{
	uint64_t deadline = toll_clock_mono_ns() + 10 * TOLL_S;
	bool sent = false;

	while (!sent && toll_clock_mono_ns() < deadline) {
		usleep(1000);
		pthread_mutex_lock(&stream.lock);
		sent = stream.sent > 0;
		pthread_mutex_unlock(&stream.lock);
	}
	return sent;
}

/* ---- tests ---- */

static void messages_come_in_order_until_the_client_has_enough(void **state TOLL_UNUSED)
{
	struct rig r = rig_start(true);

	watch(&r);
	assert_int_equal(r.result, TOLL_EINVALID);
	assert_int_equal(r.got, MESSAGES);
	assert_string_equal(r.last, "199 body");
	assert_true(eventually_closed());
	rig_end(&r);
}

static void the_server_ends_a_stream_with_a_status(void **state TOLL_UNUSED)
{
	struct rig r = rig_start(false);
	pthread_t thread;

	assert_int_equal(toll_thread_start(&thread, "watch", watch, &r), 0);
	assert_true(eventually_sent());
	end_stream(UNAVAILABLE, "stopping");
	pthread_join(thread, NULL);
	assert_int_equal(r.result, TOLL_EDOWN);
	assert_non_null(strstr(r.why.text, "status 14: stopping"));
	assert_int_equal(r.got, 1);
	rig_end(&r);
}

/* While messages are on their way all the time. */
static void ending_does_not_wait_for_a_message(void **state TOLL_UNUSED)
{
	for (int i = 0; i < 20; i++) {
		struct rig r = rig_start(true);
		pthread_t thread;

		r.stop_after = 1000000;
		assert_int_equal(toll_thread_start(&thread, "watch", watch, &r), 0);
		assert_true(eventually_sent());
		end_stream(UNAVAILABLE, "stopping");
		pthread_join(thread, NULL);
		assert_int_equal(r.result, TOLL_EDOWN);
		rig_end(&r);
	}
}

static void aborting_and_silence_end_a_watch(void **state TOLL_UNUSED)
{
	struct rig r = rig_start(false);
	pthread_t thread;

	assert_int_equal(toll_thread_start(&thread, "watch", watch, &r), 0);
	assert_true(eventually_sent());
	atomic_store(&r.abort, true);
	pthread_join(thread, NULL);
	assert_int_equal(r.result, TOLL_ESHUTDOWN);
	assert_true(eventually_closed());
	atomic_store(&r.abort, false);
	watch(&r);
	assert_int_equal(r.result, TOLL_ETIMEOUT);
	rig_end(&r);
}

static void nobody_there_and_an_unknown_method_are_told(void **state TOLL_UNUSED)
{
	struct rig r = rig_start(true);

	end_stream(0, NULL);
	rig_end(&r);
	watch(&r);
	assert_int_equal(r.result, TOLL_EDOWN);
	assert_non_null(strstr(r.why.text, r.address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_in_order_until_the_client_has_enough),
		cmocka_unit_test(the_server_ends_a_stream_with_a_status),
		cmocka_unit_test(ending_does_not_wait_for_a_message),
		cmocka_unit_test(aborting_and_silence_end_a_watch),
		cmocka_unit_test(nobody_there_and_an_unknown_method_are_told),
	};

	return cmocka_run_group_tests_name("grpc_stream", tests, NULL, NULL);
}
