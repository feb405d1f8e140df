/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - the named service "price_feed" of the host, published by the extension pricebook under
 * its id: the documents behind the book, and a word when their source was asked. Any thread. */
#ifndef TOLL_PRICES_FEED_H
#define TOLL_PRICES_FEED_H

#include <pthread.h>

#include "prices/edition.h"

/* Within its user. told(): the source was asked, err 0: it answered, and what current holds is
 * fresh. why: NULL or a sentence, borrowed. On the pricebook's thread, under the feed's lock: it
 * must not block, nor listen or stop listening. */
struct toll_price_listener {
	struct toll_price_listener *next;
	void (*told)(struct toll_price_listener *self, int err, const char *why);
};

struct toll_price_feed {
	struct toll_snapshot current; /* a toll_edition that was compiled; NULL: none yet */
	uint64_t ttl_ns;              /* 0: it never goes stale */
	/* Asks the source soon; listeners are told when it has answered. */
	void (*refresh)(struct toll_price_feed *self);
	/* A book of this version is taken however far it moves prices: at once where it is held. */
	void (*confirm)(struct toll_price_feed *self, const char *version);
	pthread_mutex_t lock; /* guards listeners */
	struct toll_price_listener *listeners;
};

void toll_price_feed_init(struct toll_price_feed *f);
void toll_price_feed_release(struct toll_price_feed *f); /* nobody listens any more */
/* Publishes and keeps a reference. */
void toll_price_feed_set(struct toll_price_feed *f, struct toll_edition *e);
struct toll_edition *toll_price_feed_get(struct toll_price_feed *f); /* a reference, or NULL */

void toll_price_feed_listen(struct toll_price_feed *f, struct toll_price_listener *l);
/* told() is not running any more when this returns. Legal for one who does not listen. */
void toll_price_feed_leave(struct toll_price_feed *f, struct toll_price_listener *l);
void toll_price_feed_tell(struct toll_price_feed *f, int err, const char *why);

#endif
