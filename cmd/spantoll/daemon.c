/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/spantoll/heap.h"
#include "cmd/spantoll/options.h"
#include "pipeline/graph.h"
#include "pipeline/host.h"

struct toll_daemon {
	struct toll_host *host;
	struct toll_heap *heap;
	struct toll_graph *graph;
	bool started;
	int status; /* of the process, should it have to end in toll_daemon_free() */
};

int toll_daemon_new(struct toll_config *config, struct toll_daemon **ret, struct toll_error *reterr)
{
	struct toll_daemon *d = calloc(1, sizeof(*d));
	int err = TOLL_ENOMEM;

	if (d)
		d->status = TOLL_EXIT_FAILED;
	if (d)
		d->host = toll_host_new();
	if (d && d->host)
		d->heap = toll_heap_new(d->host);
	if (!d || !d->heap) {
		toll_fail(reterr, err, "out of memory");
		goto fail;
	}
	err = toll_host_catch_signals(d->host);
	if (err < 0) {
		toll_fail(reterr, err, "signals cannot be handled: %s", toll_err_text(err));
		goto fail;
	}
	err = toll_graph_build(config, d->host, &d->graph, reterr);
	if (err < 0)
		goto fail;
	err = toll_graph_start(d->graph, reterr);
	if (err < 0)
		goto fail;
	d->started = true;
	d->status = TOLL_EXIT_OK;
	*ret = d;
	return 0;
fail:
	if (d && d->graph && toll_graph_left_behind(d->graph))
		TOLL_FAULT("spantoll", "cannot start: %s", reterr->text); /* nobody else will */
	toll_daemon_free(d);
	return err;
}

struct toll_host *toll_daemon_host(struct toll_daemon *d)
{
	return d->host;
}

static void on_hup(void *ctx TOLL_UNUSED)
{
	TOLL_WARN("spantoll", "SIGHUP: a configuration cannot be reloaded yet; restart instead");
}

int toll_daemon_wait(struct toll_daemon *d)
{
	int err = toll_host_run(d->host, on_hup, d);

	if (err < 0)
		d->status = TOLL_EXIT_FAILED;
	return err;
}

/* Ctrl-C while it drains: a person does not want to wait. */
static void quit_now(int sig)
{
	_exit(128 + sig);
}

static void drain(struct toll_daemon *d)
{
	struct sigaction now = { .sa_handler = quit_now };

	/* Not SIGTERM: supervisors send it more than once, and what is queued would be lost. */
	sigaction(SIGINT, &now, NULL);
	toll_graph_shutdown(d->graph, toll_clock_mono_ns() + TOLL_DAEMON_DRAIN_S * TOLL_S);
}

/* A thread is still inside an exporter and may use whatever exit() and free() would take away. */
static void end_without_tidying(const struct toll_daemon *d)
{
	TOLL_WARN("spantoll", "stopped; what was left behind ends with the process");
	fflush(stdout);
	_exit(d->status);
}

struct toll_daemon *toll_daemon_free(struct toll_daemon *d)
{
	if (!d)
		return NULL;
	if (d->started)
		drain(d);
	if (d->graph && toll_graph_left_behind(d->graph))
		end_without_tidying(d);
	toll_graph_free(d->graph);
	toll_heap_free(d->heap);
	toll_host_free(d->host);
	free(d);
	return NULL;
}
