/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd, driven by a thread of ours: its own time-out counts from the last byte only, so a
 * client that sends one byte now and then would hold its connection for ever. Here every connection
 * has a deadline; whoever passes it is shut down. */
#include "net/http_server.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/endpoint.h"

#define DEFAULT_CONNECTIONS    64
#define DEFAULT_HEADER_BYTES   ((size_t)16 * 1024)
#define DEFAULT_HEADER_TIMEOUT (5 * TOLL_S)
#define DEFAULT_TIMEOUT        (30 * TOLL_S)
#define DEFAULT_IDLE_TIMEOUT   (60 * TOLL_S)
#define SWEEP_NS               (TOLL_S / 2)

/* Only the server's thread touches these. */
struct connection {
	int fd;
	uint64_t deadline_mono_ns;
	bool used;
};

struct exchange {
	char *body;
	size_t len;
	bool too_big, no_memory;
};

struct toll_http_server {
	struct toll_http_settings set;
	struct MHD_Daemon *daemon;
	struct connection *connections; /* set.max_connections of them */
	pthread_t thread;
	bool running;
	int listen_fd, wake_fd;
	atomic_bool stop;
	uint16_t port;
	char url[TOLL_ENDPOINT_MAX + 8];
};

const char *toll_http_query(const struct toll_http_request *q, const char *name)
{
	const char *value = NULL;
	size_t len;

	if (MHD_lookup_connection_value_n(q->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name),
	                                  &value, &len) == MHD_NO)
		return NULL;
	return value ? value : "";
}

const char *toll_http_header(const struct toll_http_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

void toll_http_printf(struct toll_http_response *r, const char *fmt, ...)
{
	va_list args;
	int len;

	free(r->body);
	r->body = NULL;
	va_start(args, fmt);
	len = vasprintf(&r->body, fmt, args);
	va_end(args);
	if (len < 0) {
		r->body = NULL;
		r->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	r->len = len < 0 ? 0 : (size_t)len;
}

/* ---- routing ---- */

static bool route_matches(const struct toll_http_route *r, const char *path)
{
	size_t len = strlen(r->path);

	if (strcmp(r->path, path) == 0)
		return true;
	return len > 1 && r->path[len - 1] == '/' && strncmp(r->path, path, len) == 0;
}

/* *ret_other_method: some route has this path, but for another method. */
static const struct toll_http_route *find_route(const struct toll_http_server *s,
                                                const struct toll_http_request *q,
                                                const char **ret_other_method)
{
	const struct toll_http_route *best = NULL;

	for (size_t i = 0; i < s->set.route_count; i++) {
		const struct toll_http_route *r = &s->set.routes[i];

		if (!route_matches(r, q->path))
			continue;
		if (strcmp(r->method, q->method) != 0)
			*ret_other_method = r->method;
		else if (!best || strlen(r->path) > strlen(best->path))
			best = r;
	}
	return best;
}

static void answer(struct toll_http_server *s, const struct toll_http_request *q,
                   const struct exchange *x, struct toll_http_response *r)
{
	const char *other = NULL;
	const struct toll_http_route *route;

	if (x->too_big || x->no_memory) {
		r->status = x->too_big ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_SERVICE_UNAVAILABLE;
		toll_http_printf(r, "%s\n", x->too_big ? "body too large" : "out of memory");
		return;
	}
	route = find_route(s, q, &other);
	if (route) {
		route->handle(route->ctx, q, r);
		return;
	}
	r->status = other ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
	toll_http_printf(r, other ? "method not allowed: use %s\n" : "not found\n", other);
	if (other) {
		r->headers[0].name = MHD_HTTP_HEADER_ALLOW;
		r->headers[0].value = other;
	}
}

static enum MHD_Result send_response(struct MHD_Connection *c, struct toll_http_response *r)
{
	const char *type = r->content_type ? r->content_type : "text/plain; charset=utf-8";
	struct MHD_Response *out =
		MHD_create_response_from_buffer(r->len, r->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result rc;

	if (!out) {
		free(r->body);
		return MHD_NO;
	}
	MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (int i = 0; i < TOLL_HTTP_HEADERS; i++)
		if (r->headers[i].name)
			MHD_add_response_header(out, r->headers[i].name, r->headers[i].value);
	rc = MHD_queue_response(c, r->status, out);
	MHD_destroy_response(out);
	return rc;
}

/* ---- libmicrohttpd's callbacks, all on our thread ---- */

static struct connection *connection_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void set_deadline(struct MHD_Connection *c, uint64_t timeout_ns)
{
	struct connection *slot = connection_of(c);

	if (slot)
		slot->deadline_mono_ns = toll_clock_mono_ns() + timeout_ns;
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
	struct toll_http_server *s = ctx;
	struct connection *slot = *socket_context;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (slot)
			slot->used = false;
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (unsigned i = 0; info && i < s->set.max_connections; i++) {
		slot = &s->connections[i];
		if (slot->used)
			continue;
		*slot = (struct connection){ info->connect_fd,
			                     toll_clock_mono_ns() + s->set.header_timeout_ns,
			                     true };
		*socket_context = slot;
		return;
	}
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **request_context,
                         enum MHD_RequestTerminationCode how TOLL_UNUSED)
{
	struct toll_http_server *s = ctx;
	struct exchange *x = *request_context;

	if (x) {
		free(x->body);
		free(x);
		*request_context = NULL;
	}
	set_deadline(c, s->set.idle_timeout_ns);
}

static void add_body(const struct toll_http_server *s, struct exchange *x, const char *data,
                     size_t len)
{
	char *grown;

	if (x->too_big || x->no_memory)
		return;
	if (len > s->set.max_body_bytes - x->len) {
		x->too_big = true;
		return;
	}
	grown = realloc(x->body, x->len + len);
	if (!grown) {
		x->no_memory = true;
		return;
	}
	memcpy(grown + x->len, data, len);
	x->body = grown;
	x->len += len;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version TOLL_UNUSED,
                                  const char *data, size_t *data_len, void **request_context)
{
	struct toll_http_server *s = ctx;
	struct exchange *x = *request_context;
	struct toll_http_request q = { .method = method, .path = url, .connection = c };
	struct toll_http_response r = { .status = MHD_HTTP_OK };

	if (!x) { /* headers are in, the body (if any) follows */
		set_deadline(c, s->set.request_timeout_ns);
		*request_context = x = calloc(1, sizeof(*x));
		return x ? MHD_YES : MHD_NO;
	}
	if (*data_len) {
		add_body(s, x, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		q.method = MHD_HTTP_METHOD_GET;
	q.body = toll_slice(x->body, x->len);
	answer(s, &q, x, &r);
	return send_response(c, &r);
}

/* ---- the thread ---- */

static void sweep(struct toll_http_server *s, uint64_t now)
{
	for (unsigned i = 0; i < s->set.max_connections; i++) {
		struct connection *slot = &s->connections[i];

		if (slot->used && now > slot->deadline_mono_ns) {
			shutdown(slot->fd, SHUT_RDWR);
			slot->deadline_mono_ns = UINT64_MAX; /* libmicrohttpd closes it */
		}
	}
}

static int wait_ms(struct toll_http_server *s)
{
	unsigned long long ms;

	if (MHD_get_timeout(s->daemon, &ms) == MHD_NO || ms > SWEEP_NS / TOLL_MS)
		ms = SWEEP_NS / TOLL_MS;
	return (int)ms;
}

static void *serve(void *arg)
{
	struct toll_http_server *s = arg;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = { { .fd = info->epoll_fd, .events = POLLIN },
		                { .fd = s->wake_fd, .events = POLLIN } };
	uint64_t next_sweep = 0;

	while (!atomic_load_explicit(&s->stop, memory_order_acquire)) {
		uint64_t now = toll_clock_mono_ns();

		if (now >= next_sweep) {
			sweep(s, now);
			next_sweep = now + SWEEP_NS;
		}
		poll(fds, TOLL_COUNT(fds), wait_ms(s));
		MHD_run(s->daemon);
	}
	return NULL;
}

/* ---- life ---- */

static void fill_defaults(struct toll_http_settings *set)
{
	if (!set->max_connections)
		set->max_connections = DEFAULT_CONNECTIONS;
	if (!set->max_header_bytes)
		set->max_header_bytes = DEFAULT_HEADER_BYTES;
	if (!set->header_timeout_ns)
		set->header_timeout_ns = DEFAULT_HEADER_TIMEOUT;
	if (!set->request_timeout_ns)
		set->request_timeout_ns = DEFAULT_TIMEOUT;
	if (!set->idle_timeout_ns)
		set->idle_timeout_ns = DEFAULT_IDLE_TIMEOUT;
}

static struct MHD_Daemon *start_daemon(struct toll_http_server *s)
{
	/* clang-format off */
	return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL,
	                        on_request, s,
	                        MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
	                        MHD_OPTION_CONNECTION_LIMIT, s->set.max_connections,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->set.max_header_bytes,
	                        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	                        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	                        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	                        MHD_OPTION_END);
	/* clang-format on */
}

static int listen_at(struct toll_http_server *s, struct toll_error *reterr)
{
	struct toll_endpoint e;
	struct toll_error why;
	char text[TOLL_ENDPOINT_MAX];
	int err = toll_endpoint_parse(toll_slice_str(s->set.endpoint), &e, &why);

	if (err < 0)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: %s", s->set.setting, why.text);
	err = toll_endpoint_listen(&e, s->set.setting, &s->listen_fd, &s->port, reterr);
	if (err < 0)
		return err;
	e.port = s->port;
	snprintf(s->url, sizeof(s->url), "http://%s", toll_endpoint_local_url(&e, text));
	s->set.endpoint = s->set.setting = NULL; /* the caller's; not needed again */
	return 0;
}

int toll_http_server_new(const struct toll_http_settings *set, struct toll_http_server **ret,
                         struct toll_error *reterr)
{
	struct toll_http_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->setting);
	s->set = *set;
	s->listen_fd = s->wake_fd = -1;
	fill_defaults(&s->set);
	err = listen_at(s, reterr);
	if (err < 0)
		goto fail;
	err = toll_fail(reterr, TOLL_ENOMEM, "%s: cannot start the HTTP server on %s", set->setting,
	                set->endpoint);
	s->connections = calloc(s->set.max_connections, sizeof(*s->connections));
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!s->connections || s->wake_fd < 0)
		goto fail;
	s->daemon = start_daemon(s);
	if (!s->daemon || toll_thread_start(&s->thread, set->thread, serve, s) < 0)
		goto fail;
	s->running = true;
	*ret = s;
	return 0;
fail:
	toll_http_server_free(s);
	return err;
}

struct toll_http_server *toll_http_server_free(struct toll_http_server *s)
{
	if (!s)
		return NULL;
	if (s->running) {
		atomic_store_explicit(&s->stop, true, memory_order_release);
		(void)eventfd_write(s->wake_fd, 1);
		pthread_join(s->thread, NULL);
	}
	if (s->daemon)
		MHD_stop_daemon(s->daemon); /* closes the listening socket too */
	else if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s->connections);
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
