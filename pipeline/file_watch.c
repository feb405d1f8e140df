/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/file_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "pipeline/host.h"

struct mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct toll_file_watch {
	struct toll_timer *timer;
	const char *path;
	struct mark seen;
	void (*changed)(void *ctx);
	void *ctx;
};

/* All zero while there is no file. */
static struct mark mark_of(const char *path)
{
	struct mark m;
	struct stat st;

	memset(&m, 0, sizeof(m)); /* marks are compared as bytes */
	if (stat(path, &st) == 0) {
		m.device = st.st_dev;
		m.inode = st.st_ino;
		m.size = st.st_size;
		m.changed = st.st_mtim;
	}
	return m;
}

static void look(void *ctx)
{
	struct toll_file_watch *w = ctx;
	struct mark now = mark_of(w->path);

	if (memcmp(&now, &w->seen, sizeof(now)) == 0)
		return;
	w->seen = now;
	w->changed(w->ctx);
}

struct toll_file_watch *toll_file_watch_new(struct toll_host *h, const char *path,
                                            void (*changed)(void *ctx), void *ctx)
{
	struct toll_file_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->path = path;
	w->changed = changed;
	w->ctx = ctx;
	w->seen = mark_of(path);
	w->timer = toll_host_timer(h, TOLL_S, TOLL_S, look, w);
	return w->timer ? w : toll_file_watch_free(w);
}

struct toll_file_watch *toll_file_watch_free(struct toll_file_watch *w)
{
	if (w)
		toll_host_timer_stop(w->timer);
	free(w);
	return NULL;
}
