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
#include "cmd/spantoll/reload.h"
#include "pipeline/generations.h"
#include "pipeline/host.h"

struct toll_daemon {
	struct toll_host *host;
	struct toll_heap *heap;
	struct toll_generations *generations;
	struct toll_reload *reload; /* NULL: there is nothing to load anew */
	bool started;
	int status; /* of the process, should it have to end in toll_daemon_free() */
};

static void retired(void *ctx)
{
	struct toll_daemon *d = ctx;

	if (d->reload)
		toll_reload_go_on(d->reload);
}

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
	if (d && d->heap)
		d->generations = toll_generations_new(d->host, retired, d);
	if (!d || !d->generations) {
		toll_fail(reterr, err, "out of memory");
		goto fail;
	}
	err = toll_host_catch_signals(d->host);
	if (err < 0) {
		toll_fail(reterr, err, "signals cannot be handled: %s", toll_err_text(err));
		goto fail;
	}
	err = toll_generations_start(d->generations, config, reterr);
	if (err < 0)
		goto fail;
	d->started = true;
	d->status = TOLL_EXIT_OK;
	*ret = d;
	return 0;
fail:
	if (d && d->generations && toll_generations_left_behind(d->generations))
		TOLL_FAULT("spantoll", "cannot start: %s", reterr->text); /* nobody else will */
	toll_daemon_free(d);
	return err;
}

struct toll_host *toll_daemon_host(struct toll_daemon *d)
{
	return d->host;
}

int toll_daemon_reloads(struct toll_daemon *d, const struct toll_config *config,
                        const struct toll_config_source *source, bool watch)
{
	d->reload = toll_reload_new(d->host, d->generations, config, source, watch);
	return d->reload ? 0 : TOLL_ENOMEM;
}

static void on_hup(void *ctx)
{
	struct toll_daemon *d = ctx;

	if (d->reload)
		toll_reload_now(d->reload);
	else
		TOLL_WARN("spantoll", "SIGHUP: there is no file to load anew");
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
	toll_generations_shutdown(d->generations,
	                          toll_clock_mono_ns() + TOLL_DAEMON_DRAIN_S * TOLL_S);
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
	d->reload = toll_reload_free(d->reload);
	if (d->started)
		drain(d);
	if (d->generations && toll_generations_left_behind(d->generations))
		end_without_tidying(d);
	toll_generations_free(d->generations);
	toll_heap_free(d->heap);
	toll_host_free(d->host);
	free(d);
	return NULL;
}
