/* SPDX-License-Identifier: Apache-2.0 */
/* host_watch.c - tells when something in a directory changes (inotify). Main thread. */
#include <stdlib.h>

#include "pipeline/host_private.h"

struct toll_watch {
	uv_fs_event_t uv;
	void (*fn)(void *ctx, const char *name);
	void *ctx;
};

static void changed(uv_fs_event_t *uv, const char *name, int events TOLL_UNUSED,
                    int err TOLL_UNUSED)
{
	struct toll_watch *w = uv->data;

	w->fn(w->ctx, name);
}

static void closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct toll_watch *toll_host_watch(struct toll_host *h, const char *directory,
                                   void (*fn)(void *ctx, const char *name), void *ctx)
{
	struct toll_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fn = fn;
	w->ctx = ctx;
	if (uv_fs_event_init(&h->loop.uv, &w->uv)) {
		free(w);
		return NULL;
	}
	w->uv.data = w;
	if (uv_fs_event_start(&w->uv, changed, directory, 0)) {
		toll_host_unwatch(w);
		return NULL;
	}
	return w;
}

void toll_host_unwatch(struct toll_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, closed);
}
