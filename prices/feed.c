/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/feed.h"

void toll_price_feed_init(struct toll_price_feed *f)
{
	*f = (struct toll_price_feed){ .current = TOLL_SNAPSHOT_INIT };
	pthread_mutex_init(&f->lock, NULL);
}

void toll_price_feed_release(struct toll_price_feed *f)
{
	toll_snapshot_set(&f->current, NULL);
	pthread_mutex_destroy(&f->lock);
}

void toll_price_feed_set(struct toll_price_feed *f, struct toll_edition *e)
{
	toll_snapshot_set(&f->current, &toll_edition_ref(e)->shared);
}

struct toll_edition *toll_price_feed_get(struct toll_price_feed *f)
{
	return (struct toll_edition *)toll_snapshot_get(&f->current);
}

void toll_price_feed_listen(struct toll_price_feed *f, struct toll_price_listener *l)
{
	pthread_mutex_lock(&f->lock);
	l->next = f->listeners;
	f->listeners = l;
	pthread_mutex_unlock(&f->lock);
}

void toll_price_feed_leave(struct toll_price_feed *f, struct toll_price_listener *l)
{
	struct toll_price_listener **at = &f->listeners;

	pthread_mutex_lock(&f->lock);
	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	pthread_mutex_unlock(&f->lock);
}

void toll_price_feed_tell(struct toll_price_feed *f, int err, const char *why)
{
	pthread_mutex_lock(&f->lock);
	for (struct toll_price_listener *l = f->listeners; l; l = l->next)
		l->told(l, err, why);
	pthread_mutex_unlock(&f->lock);
}
