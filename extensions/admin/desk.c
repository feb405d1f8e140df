/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/admin/desk.h"

#include "base/thread.h"

/* Waits for the next; NULL: closed, and nobody waits. */
static struct toll_http_call *next(struct toll_admin_desk *d, bool *ret_in_time)
{
	struct toll_http_call *c = NULL;

	pthread_mutex_lock(&d->lock);
	while (!d->count && !d->closed)
		pthread_cond_wait(&d->changed, &d->lock);
	if (d->count) {
		c = d->waiting[d->first];
		d->first = (d->first + 1) % TOLL_ADMIN_DESK_MAX;
		d->count--;
	}
	*ret_in_time = !d->closed;
	pthread_mutex_unlock(&d->lock);
	return c;
}

static void *run(void *arg)
{
	struct toll_admin_desk *d = arg;
	struct toll_http_call *c;
	bool in_time;

	while ((c = next(d, &in_time)))
		d->serve(d->ctx, c, in_time);
	return NULL;
}

void toll_admin_desk_init(struct toll_admin_desk *d,
                          void (*serve)(void *ctx, struct toll_http_call *c, bool in_time),
                          void *ctx)
{
	*d = (struct toll_admin_desk){ .serve = serve, .ctx = ctx, .closed = true };
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
}

int toll_admin_desk_open(struct toll_admin_desk *d)
{
	int err;

	d->closed = false; /* nobody else knows of it yet */
	err = toll_thread_start(&d->thread, "toll-admin-desk", run, d);
	d->running = !err;
	return err;
}

bool toll_admin_desk_take(struct toll_admin_desk *d, struct toll_http_call *c)
{
	bool taken;

	pthread_mutex_lock(&d->lock);
	taken = !d->closed && d->count < TOLL_ADMIN_DESK_MAX;
	if (taken)
		d->waiting[(d->first + d->count++) % TOLL_ADMIN_DESK_MAX] = c;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return taken;
}

void toll_admin_desk_close(struct toll_admin_desk *d)
{
	if (!d->running)
		return;
	pthread_mutex_lock(&d->lock);
	d->closed = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	d->running = false;
}

void toll_admin_desk_release(struct toll_admin_desk *d)
{
	toll_admin_desk_close(d);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
}
