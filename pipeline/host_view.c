/* SPDX-License-Identifier: Apache-2.0 */
/* host_view.c - what runs, for whoever wants to print it: the graph shows itself here. */
#include "pipeline/host_private.h"

void toll_host_show(struct toll_host *h, struct toll_host_view *v)
{
	pthread_mutex_lock(&h->view_lock);
	h->view = v;
	pthread_mutex_unlock(&h->view_lock);
}

void toll_host_hide(struct toll_host *h, struct toll_host_view *v)
{
	pthread_mutex_lock(&h->view_lock);
	if (h->view == v)
		h->view = NULL;
	pthread_mutex_unlock(&h->view_lock);
}

int toll_host_print(struct toll_host *h, enum toll_view_format format, FILE *out)
{
	int err = TOLL_EDOWN;

	pthread_mutex_lock(&h->view_lock);
	if (h->view)
		err = h->view->print(h->view, format, out);
	pthread_mutex_unlock(&h->view_lock);
	return err;
}

struct toll_trace *toll_host_trace(struct toll_host *h)
{
	return h->trace;
}

struct toll_recent *toll_host_recent(struct toll_host *h)
{
	return h->recent;
}

struct toll_unpriced_table *toll_host_unpriced(struct toll_host *h)
{
	return h->unpriced;
}

uint64_t toll_host_started_wall_ns(const struct toll_host *h)
{
	return h->started_wall_ns;
}
