/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd, driven by a thread of ours: its own time-out counts from the last byte only, so a
 * client that sends one byte now and then would hold its connection for ever. Here every connection
 * has a deadline; whoever passes it is shut down. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/http_private.h"

#define SWEEP_NS       (TOLL_S / 2)
#define QUIET_SWEEP_NS (TOLL_S / 40)

/* ---- connections ---- */

static struct toll_http_connection *slot_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void toll_http_set_deadline(struct MHD_Connection *c, uint64_t timeout_ns)
{
	struct toll_http_connection *slot = slot_of(c);
	uint64_t now = toll_clock_mono_ns();

	if (slot)
		slot->deadline_mono_ns =
			timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
}

/* libmicrohttpd finds the end of the stream and closes. */
static void cut(struct toll_http_connection *slot)
{
	shutdown(slot->fd, SHUT_RDWR);
	slot->deadline_mono_ns = UINT64_MAX;
}

void toll_http_set_busy(struct MHD_Connection *c, bool busy)
{
	struct toll_http_connection *slot = slot_of(c);

	if (!slot)
		return;
	slot->busy = busy;
	if (!busy && slot->worker->closed)
		cut(slot);
}

void toll_http_set_linger(struct MHD_Connection *c)
{
	struct toll_http_connection *slot = slot_of(c);

	if (slot)
		slot->linger = true;
}

/* libmicrohttpd is about to close its descriptor. */
static void let_go(struct toll_http_connection *slot)
{
	int fd = slot->linger ? fcntl(slot->fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (fd >= 0)
		toll_http_linger_add(&slot->worker->lingering, fd);
	slot->material = toll_tls_material_unref(slot->material);
	slot->used = false;
}

static struct toll_http_connection *take_slot(struct toll_http_worker *w, int fd)
{
	for (unsigned i = 0; i < w->limit; i++) {
		struct toll_http_connection *slot = &w->connections[i];

		if (slot->used)
			continue;
		*slot = (struct toll_http_connection){ .worker = w, .fd = fd, .used = true };
		return slot;
	}
	return NULL;
}

/* Before the handshake. */
static bool begin_tls(struct toll_http_connection *slot, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (info)
		slot->material =
			toll_http_tls_begin(slot->worker->server->set.tls, info->tls_session);
	return slot->material;
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
	struct toll_http_worker *w = ctx;
	struct toll_http_connection *slot = *socket_context;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (slot)
			let_go(slot);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	slot = info ? take_slot(w, info->connect_fd) : NULL;
	*socket_context = slot;
	if (!slot)
		return;
	slot->deadline_mono_ns = toll_clock_mono_ns() + w->server->set.header_timeout_ns;
	if (w->server->set.tls && !begin_tls(slot, c))
		cut(slot);
}

static void cut_overdue(struct toll_http_worker *w, uint64_t now)
{
	for (unsigned i = 0; i < w->limit; i++)
		if (w->connections[i].used && now > w->connections[i].deadline_mono_ns)
			cut(&w->connections[i]);
}

static void cut_if(struct toll_http_worker *w, bool busy_too)
{
	for (unsigned i = 0; i < w->limit; i++)
		if (w->connections[i].used && (busy_too || !w->connections[i].busy))
			cut(&w->connections[i]);
}

/* ---- the thread ---- */

/* Busy ones too: an answer that is on its way may not have said that its connection ends. */
static bool has_connections(const struct toll_http_worker *w)
{
	for (unsigned i = 0; i < w->limit; i++)
		if (w->connections[i].used)
			return true;
	return false;
}

static void close_listener(struct toll_http_worker *w)
{
	int fd = MHD_quiesce_daemon(w->daemon);

	if (fd >= 0)
		close(fd);
	w->quiet = true;
	w->quiet_until_mono_ns = toll_clock_mono_ns() + w->server->set.quiet_ns;
}

/* Who sends all the time is answered once more, and told to reconnect; who does not loses a
 * connection that nothing travels on. */
static void wind_down(struct toll_http_worker *w)
{
	if (!w->quiet)
		close_listener(w);
	if (has_connections(w) && toll_clock_mono_ns() < w->quiet_until_mono_ns &&
	    !atomic_load(&w->server->cut))
		return;
	MHD_run(w->daemon); /* what has arrived is taken */
	w->closed = true;
	cut_if(w, false);
	toll_http_leave(w->server, &w->server->open);
}

static int wait_ms(struct toll_http_worker *w)
{
	uint64_t most = w->quiet && !w->closed ? QUIET_SWEEP_NS : SWEEP_NS;
	unsigned long long ms;

	if (MHD_get_timeout(w->daemon, &ms) == MHD_NO || ms > most / TOLL_MS)
		ms = most / TOLL_MS;
	return (int)ms;
}

static void *serve(void *arg)
{
	struct toll_http_worker *w = arg;
	struct toll_http_server *s = w->server;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[2 + TOLL_HTTP_LINGERING] = {
		{ .fd = info->epoll_fd, .events = POLLIN },
		{ .fd = w->wake_fd, .events = POLLIN },
	};
	uint64_t next_sweep = 0;
	eventfd_t wakes;

	while (!atomic_load(&s->stop)) {
		uint64_t now = toll_clock_mono_ns();

		poll(fds, 2 + toll_http_linger_polls(&w->lingering, fds + 2), wait_ms(w));
		if (fds[1].revents)
			(void)eventfd_read(w->wake_fd, &wakes);
		MHD_run(w->daemon);
		toll_http_linger_run(&w->lingering);
		/* Who was overdue before all that had arrived was taken: being slow ourselves cuts
		 * nobody off. */
		if (now >= next_sweep) {
			cut_overdue(w, now);
			next_sweep = now + SWEEP_NS;
		}
		if (atomic_load(&s->closing) && !w->closed)
			wind_down(w);
		if (atomic_load(&s->cut))
			cut_if(w, true);
	}
	return NULL;
}

/* ---- life ---- */

/* It wants a pair to begin with; each session gets the one of its time, see begin_tls(). */
static void tls_options(const struct toll_tls_material *m, struct MHD_OptionItem out[3])
{
	out[0] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	if (!m)
		return;
	out[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, m->cert };
	out[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, m->key };
	out[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decodes paths and arguments in place. %00 stays as it is: a name that is read as ending
 * there would be somebody else's. */
static size_t unescape(void *ctx TOLL_UNUSED, struct MHD_Connection *c TOLL_UNUSED, char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		int high = *in == '%' ? digit(in[1]) : -1, low = high >= 0 ? digit(in[2]) : -1;

		if (low < 0 || high + low == 0) {
			*out++ = *in;
			continue;
		}
		*out++ = (char)(high * 16 + low);
		in += 2;
	}
	*out = '\0';
	return (size_t)(out - text);
}

static struct MHD_Daemon *start_daemon(struct toll_http_worker *w, int listen_fd)
{
	const struct toll_http_settings *set = &w->server->set;
	struct MHD_OptionItem options[3];
	unsigned tls = set->tls ? MHD_USE_TLS : 0;

	w->material = set->tls ? toll_tls_server_material(set->tls) : NULL;
	tls_options(w->material, options);
	/* clang-format off */
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | tls, 0, NULL, NULL,
	                        toll_http_on_request, w,
	                        MHD_OPTION_LISTEN_SOCKET, listen_fd,
	                        MHD_OPTION_CONNECTION_LIMIT, w->limit,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, set->max_header_bytes,
	                        MHD_OPTION_NOTIFY_CONNECTION, on_connection, w,
	                        MHD_OPTION_NOTIFY_COMPLETED, toll_http_on_completed, w,
	                        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	                        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
	                        MHD_OPTION_ARRAY, options,
	                        MHD_OPTION_END);
	/* clang-format on */
}

int toll_http_worker_start(struct toll_http_worker *w)
{
	/* Its own descriptor: libmicrohttpd closes what it is given. */
	int fd = fcntl(w->server->listen_fd, F_DUPFD_CLOEXEC, 0);

	w->connections = calloc(w->limit, sizeof(*w->connections));
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd >= 0 && w->connections && w->wake_fd >= 0)
		w->daemon = start_daemon(w, fd);
	if (!w->daemon) {
		if (fd >= 0)
			close(fd);
		return TOLL_ENOMEM;
	}
	if (toll_thread_start(&w->thread, w->server->set.thread, serve, w) < 0)
		return TOLL_ENOMEM;
	w->running = true;
	toll_http_enter(w->server, &w->server->open);
	return 0;
}

void toll_http_worker_wake(struct toll_http_worker *w)
{
	/* Not `running`: whoever answers may be quicker than the thread that sets it. */
	if (w->wake_fd >= 0)
		(void)eventfd_write(w->wake_fd, 1);
}

void toll_http_worker_end(struct toll_http_worker *w)
{
	toll_http_worker_wake(w);
	if (w->running)
		pthread_join(w->thread, NULL);
	if (w->daemon)
		MHD_stop_daemon(
			w->daemon); /* closes its listening socket too, if it is still there */
	toll_tls_material_unref(w->material);
	toll_http_linger_release(&w->lingering);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	free(w->connections);
}
