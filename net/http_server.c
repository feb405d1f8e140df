/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/http_private.h"

#define DEFAULT_CONNECTIONS    64
#define DEFAULT_HEADER_BYTES   ((size_t)16 * 1024)
#define DEFAULT_HEADER_TIMEOUT (5 * TOLL_S)
#define DEFAULT_TIMEOUT        (30 * TOLL_S)
#define DEFAULT_IDLE_TIMEOUT   (60 * TOLL_S)
#define DEFAULT_QUIET          (TOLL_S / 4)
#define CUT_NS                 (TOLL_S / 10) /* for cut connections to end, and services to answer */

static void set_default(uint64_t *value, uint64_t preset)
{
	if (!*value)
		*value = preset;
}

static void fill_defaults(struct toll_http_settings *set)
{
	if (!set->workers)
		set->workers = 1;
	if (!set->max_connections)
		set->max_connections = DEFAULT_CONNECTIONS;
	if (!set->max_header_bytes)
		set->max_header_bytes = DEFAULT_HEADER_BYTES;
	set_default(&set->header_timeout_ns, DEFAULT_HEADER_TIMEOUT);
	set_default(&set->body_timeout_ns, DEFAULT_TIMEOUT);
	set_default(&set->answer_timeout_ns, DEFAULT_TIMEOUT);
	set_default(&set->idle_timeout_ns, DEFAULT_IDLE_TIMEOUT);
	set_default(&set->quiet_ns, DEFAULT_QUIET);
}

/* ---- listening ---- */

static int listen_at_path(struct toll_http_server *s, const char *path, struct toll_error *reterr)
{
	snprintf(s->url, sizeof(s->url), "unix:%s", path);
	return toll_unix_listen(path, s->set.setting, &s->listen_fd, &s->at, reterr);
}

static int listen_at(struct toll_http_server *s, struct toll_error *reterr)
{
	struct toll_endpoint e;
	struct toll_error why;
	char text[TOLL_ENDPOINT_MAX];
	int err;

	if (strncmp(s->set.endpoint, "unix:", 5) == 0)
		return listen_at_path(s, s->set.endpoint + 5, reterr);
	err = toll_endpoint_parse(toll_slice_str(s->set.endpoint), &e, &why);
	if (err < 0)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: %s", s->set.setting, why.text);
	err = toll_endpoint_listen(&e, s->set.setting, &s->listen_fd, &s->port, reterr);
	if (err < 0)
		return err;
	e.port = s->port;
	snprintf(s->url, sizeof(s->url), "%s://%s", s->set.tls ? "https" : "http",
	         toll_endpoint_local_url(&e, text));
	return 0;
}

/* The workers have descriptors of their own, which they close by themselves. */
static void close_listener(struct toll_http_server *s)
{
	toll_unix_unlink(&s->at);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	s->listen_fd = -1;
}

/* ---- life ---- */

static int make_workers(struct toll_http_server *s)
{
	unsigned share = (s->set.max_connections + s->set.workers - 1) / s->set.workers;

	s->workers = calloc(s->set.workers, sizeof(*s->workers));
	if (!s->workers)
		return TOLL_ENOMEM;
	for (unsigned i = 0; i < s->set.workers; i++)
		s->workers[i] = (struct toll_http_worker){
			.server = s, .index = i, .limit = share, .wake_fd = -1
		};
	for (unsigned i = 0; i < s->set.workers; i++)
		if (toll_http_worker_start(&s->workers[i]) < 0)
			return TOLL_ENOMEM;
	return 0;
}

static struct toll_http_server *server_alloc(const struct toll_http_settings *set)
{
	struct toll_http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (toll_cond_init(&s->changed) < 0) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->set = *set;
	s->listen_fd = -1;
	fill_defaults(&s->set);
	if (set->service)
		s->service = *set->service;
	else
		s->service = (struct toll_http_service){ toll_http_routes.admit,
			                                 toll_http_routes.serve, s };
	return s;
}

int toll_http_server_new(const struct toll_http_settings *set, struct toll_http_server **ret,
                         struct toll_error *reterr)
{
	struct toll_http_server *s = server_alloc(set);
	int err;

	if (!s)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->setting);
	err = listen_at(s, reterr);
	if (!err && make_workers(s) < 0)
		err = toll_fail(reterr, TOLL_ENOMEM, "%s: cannot start the HTTP server on %s",
		                set->setting, set->endpoint);
	s->set.endpoint = s->set.setting = NULL; /* the caller's; not needed again */
	if (err) {
		toll_http_server_free(s);
		return err;
	}
	*ret = s;
	return 0;
}

static void wake_all(struct toll_http_server *s)
{
	for (unsigned i = 0; s->workers && i < s->set.workers; i++)
		toll_http_worker_wake(&s->workers[i]);
}

void toll_http_server_close(struct toll_http_server *s)
{
	if (atomic_exchange(&s->closing, true))
		return;
	close_listener(s);
	wake_all(s);
}

void toll_http_enter(struct toll_http_server *s, size_t *count)
{
	pthread_mutex_lock(&s->lock);
	++*count;
	pthread_mutex_unlock(&s->lock);
}

void toll_http_leave(struct toll_http_server *s, size_t *count)
{
	pthread_mutex_lock(&s->lock);
	if (--*count == 0)
		pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static bool wait_until(struct toll_http_server *s, uint64_t deadline_mono_ns)
{
	bool done;

	pthread_mutex_lock(&s->lock);
	while (!(done = s->open == 0 && s->inside == 0 && s->owed == 0))
		if (toll_clock_mono_ns() >= deadline_mono_ns ||
		    toll_cond_wait_until(&s->changed, &s->lock, deadline_mono_ns) < 0)
			break;
	pthread_mutex_unlock(&s->lock);
	return done;
}

bool toll_http_server_stop(struct toll_http_server *s, uint64_t deadline_mono_ns)
{
	bool owed;

	toll_http_server_close(s);
	if (wait_until(s, deadline_mono_ns))
		return true;
	atomic_store(&s->cut, true);
	wake_all(s);
	wait_until(s, toll_clock_mono_ns() + CUT_NS);
	pthread_mutex_lock(&s->lock);
	owed = s->owed != 0;
	pthread_mutex_unlock(&s->lock);
	return !owed;
}

struct toll_http_server *toll_http_server_free(struct toll_http_server *s)
{
	if (!s)
		return NULL;
	toll_http_server_stop(s, 0);
	atomic_store(&s->stop, true);
	for (unsigned i = 0; s->workers && i < s->set.workers; i++)
		toll_http_worker_end(&s->workers[i]);
	free(s->workers);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

uint16_t toll_http_server_port(const struct toll_http_server *s)
{
	return s->port;
}

const char *toll_http_server_url(const struct toll_http_server *s)
{
	return s->url;
}

const struct toll_http_counts *toll_http_server_counts(const struct toll_http_server *s)
{
	return &s->counts;
}
