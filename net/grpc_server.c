/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server.c - life of a server: settings, start, close, stop. */
#include "net/grpc_server_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/grpc_library.h"

#define CANCEL_NS  (TOLL_S / 10) /* for handlers to answer calls that were cancelled */
#define GOODBYE_NS (TOLL_S / 10) /* for connections to end by themselves */

char toll_grpc_closed_tag;

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

void toll_grpc_server_leave(struct toll_grpc_server *s)
{
	if (atomic_fetch_sub(&s->calls, 1) != 1)
		return;
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void toll_grpc_server_closed(struct toll_grpc_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static int start_workers(struct toll_grpc_server *s)
{
	for (unsigned i = 0; i < s->set.workers; i++) {
		struct toll_grpc_worker *w = &s->workers[i];

		if (toll_thread_start(&w->thread, s->set.thread, toll_grpc_worker_serve, w) < 0)
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
		s->workers[i] = (struct toll_grpc_worker){ .server = s, .index = i };
		pthread_mutex_init(&s->workers[i].answered_lock, NULL);
	}
	toll_grpc_make_core(s);
	err = toll_grpc_open_port(s, reterr);
	if (err < 0)
		goto fail;
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
	toll_unix_unlink(&s->at); /* core knows it by another name */
	atomic_store(&s->stopping, true);
	grpc_server_shutdown_and_notify(s->core, s->workers[0].queue, &toll_grpc_closed_tag);
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

static void close_queue(struct toll_grpc_worker *w)
{
	if (!w->queue)
		return;
	grpc_completion_queue_shutdown(w->queue);
	if (w->running)
		pthread_join(w->thread, NULL);
	else
		toll_grpc_worker_serve(w); /* empties it */
	grpc_completion_queue_destroy(w->queue);
}

struct toll_grpc_server *toll_grpc_server_free(struct toll_grpc_server *s)
{
	if (!s)
		return NULL;
	toll_grpc_leave_place(s);
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
