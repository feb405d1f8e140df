/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/uri.h"
#include "pipeline/host.h"

#define FILES_MAX 64              /* of one configuration; more are not watched */
#define DIRS_MAX  128             /* where they are, and where links lead */
#define QUIET_NS  (250 * TOLL_MS) /* editors and kubelets take several steps ... */
#define LATE_NS   (2 * TOLL_S)    /* ... but who never rests is looked at as well */

struct directory {
	char *path;
	struct toll_watch *watch;
};

struct toll_config_watch {
	struct toll_host *host;
	void (*changed)(void *ctx);
	void *ctx;
	char *files[FILES_MAX];
	char *targets[FILES_MAX]; /* where links of them lead; NULL: the file is away */
	size_t file_count;
	struct directory dirs[DIRS_MAX];
	size_t dir_count;
	uint64_t seen;  /* what the files said */
	uint64_t first; /* event since the last look, mono ns; 0: none */
	struct toll_timer *timer;
};

/* ---- what the files say ---- */

static uint64_t read_files(const struct toll_config_watch *w)
{
	return toll_uri_files_hash((const char *const *)w->files, w->file_count);
}

void toll_config_watch_note(struct toll_config_watch *w)
{
	if (w)
		w->seen = read_files(w);
}

/* ---- events ---- */

static void look(void *ctx)
{
	struct toll_config_watch *w = ctx;
	uint64_t now = read_files(w);

	toll_host_timer_stop(w->timer);
	w->timer = NULL;
	w->first = 0;
	if (now == w->seen)
		return;
	w->seen = now;
	w->changed(w->ctx);
}

static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* One of our files, or a link of a ConfigMap; not the log that somebody writes beside them. */
static bool is_ours(const struct toll_config_watch *w, const char *name)
{
	if (!name || strncmp(name, "..", 2) == 0)
		return true;
	for (size_t i = 0; i < w->file_count; i++)
		if (strcmp(name_in(w->files[i]), name) == 0 ||
		    (w->targets[i] && strcmp(name_in(w->targets[i]), name) == 0))
			return true;
	return false;
}

static void something_happened(void *ctx, const char *name)
{
	struct toll_config_watch *w = ctx;
	uint64_t now = toll_clock_mono_ns(), wait = QUIET_NS;

	if (!is_ours(w, name))
		return;
	if (!w->first)
		w->first = now;
	if (w->timer && now + wait > w->first + LATE_NS)
		return;
	toll_host_timer_stop(w->timer);
	w->timer = toll_host_timer(w->host, wait, 0, look, w);
}

/* ---- which directories ---- */

/* path is a file; its directory. */
static void add_directory(struct toll_config_watch *w, const char *path)
{
	size_t len = (size_t)(name_in(path) - path);
	char *dir = len ? strndup(path, len) : strdup(".");

	for (size_t i = 0; dir && i < w->dir_count; i++)
		if (strcmp(w->dirs[i].path, dir) == 0) {
			free(dir);
			return;
		}
	if (!dir || w->dir_count == DIRS_MAX) {
		free(dir);
		return;
	}
	w->dirs[w->dir_count] =
		(struct directory){ dir, toll_host_watch(w->host, dir, something_happened, w) };
	if (!w->dirs[w->dir_count++].watch)
		TOLL_WARN("spantoll", "%s cannot be watched: after a change send SIGHUP", dir);
}

static void add_file(struct toll_config_watch *w, const char *path)
{
	char *target;

	if (w->file_count == FILES_MAX || !(w->files[w->file_count] = strdup(path))) {
		TOLL_WARN("spantoll", "%s is not watched: after a change send SIGHUP", path);
		return;
	}
	target = realpath(path, NULL);
	w->targets[w->file_count++] = target;
	add_directory(w, path);
	if (target)
		add_directory(w, target);
}

static void forget_all(struct toll_config_watch *w)
{
	for (size_t i = 0; i < w->dir_count; i++) {
		toll_host_unwatch(w->dirs[i].watch);
		free(w->dirs[i].path);
	}
	for (size_t i = 0; i < w->file_count; i++) {
		free(w->files[i]);
		free(w->targets[i]);
	}
	w->dir_count = w->file_count = 0;
}

/* Anew each time: a link of the path may lead elsewhere now. Events of the watches before are lost
 * with them, and there were none yet while the daemon started: what the files say is compared with
 * what was read of them. */
void toll_config_watch_follow(struct toll_config_watch *w, const struct toll_config *config)
{
	if (!w)
		return;
	forget_all(w);
	for (size_t i = 0; i < config->files_read_count; i++)
		add_file(w, config->files_read[i]);
	w->seen = w->file_count == config->files_read_count ? config->files_said : read_files(w);
	if (read_files(w) != w->seen)
		something_happened(w, NULL);
}

/* ---- life ---- */

struct toll_config_watch *toll_config_watch_new(struct toll_host *h, void (*changed)(void *ctx),
                                                void *ctx)
{
	struct toll_config_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->host = h;
	w->changed = changed;
	w->ctx = ctx;
	return w;
}

void toll_config_watch_free(struct toll_config_watch *w)
{
	if (!w)
		return;
	forget_all(w);
	toll_host_timer_stop(w->timer);
	free(w);
}
