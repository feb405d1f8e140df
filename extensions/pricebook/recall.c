/* SPDX-License-Identifier: Apache-2.0 */
/* recall.c - what is known before the source has answered: from before a reload, or off the disk.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "extensions/pricebook/cache.h"
#include "extensions/pricebook/private.h"

/* A cache is written again for a newer sync alone at most this often: disks wear. */
#define CACHE_RENEW_NS (60 * TOLL_S)

/* ---- the cache ---- */

void toll_pricebook_write_cache(struct pricebook *p)
{
	struct toll_price_cache c = { .etag = p->etag, .edition = p->current };
	struct toll_error why;

	if (!p->cache_path)
		return;
	snprintf(c.source, sizeof(c.source), "%s", p->origin);
	c.synced_wall_ns = toll_pricebook_sync(p->current->book);
	if (toll_price_cache_write(p->cache_path, &c, &why) == 0) {
		p->cached_wall_ns = c.synced_wall_ns;
		return;
	}
	atomic_fetch_add(&p->kept->cache_failures, 1);
	TOLL_WARN(p->super.super.who, "the prices are not kept on disk: %s", why.text);
}

void toll_pricebook_renew_cache(struct pricebook *p)
{
	if (toll_pricebook_sync(p->current->book) - p->cached_wall_ns >= CACHE_RENEW_NS)
		toll_pricebook_write_cache(p);
}

/* ---- before the first attempt ---- */

static bool recall_reload(struct pricebook *p)
{
	struct toll_edition *e = (struct toll_edition *)toll_snapshot_get(&p->kept->last);

	if (!e || e->origin != p->origin_hash) {
		toll_edition_unref(e);
		return false;
	}
	toll_pricebook_publish(p, e);
	return true;
}

/* A clock that went back must not make a book young for ever. */
static uint64_t not_after_now(uint64_t wall_ns)
{
	uint64_t now = toll_clock_wall_ns();

	return wall_ns < now ? wall_ns : now;
}

static int compile_cached(struct pricebook *p, struct toll_price_cache *c, struct toll_error *why)
{
	struct toll_prices_notes notes = { 0 };

	if (strcmp(c->source, p->origin) != 0)
		return toll_fail(why, TOLL_EINVALID, "the price cache is of another endpoint");
	c->edition = toll_prices_over_catalogue(p->config, c->edition);
	if (!c->edition)
		return toll_fail(why, TOLL_ENOMEM, "out of memory");
	return toll_prices_compile(c->edition, &notes, why);
}

static void take_cached(struct pricebook *p, struct toll_price_cache *c)
{
	uint64_t sync = not_after_now(c->synced_wall_ns);
	char time[32];

	c->edition->origin = p->origin_hash;
	toll_pricebook_set_sync(c->edition->book, sync);
	p->etag = c->etag;
	p->cached_wall_ns = sync;
	TOLL_INFO(p->super.super.who,
	          "prices of the last run are loaded entries=%u version=%s synced=%s",
	          toll_pricebook_count(c->edition->book), c->edition->version,
	          toll_clock_rfc3339(sync, 0, time, sizeof(time)));
	toll_pricebook_publish(p, c->edition);
}

static void recall_cache(struct pricebook *p)
{
	struct toll_price_cache c = { .edition = NULL };
	struct toll_error why;
	int err;

	errno = 0;
	err = toll_price_cache_read(p->cache_path, &c, &why);
	if (err == TOLL_EDOWN && errno == ENOENT)
		return;
	if (!err)
		err = compile_cached(p, &c, &why);
	if (!err) {
		take_cached(p, &c);
		return;
	}
	toll_edition_unref(c.edition);
	TOLL_WARN(p->super.super.who, "prices are fetched anew, %s is ignored: %s", p->cache_path,
	          why.text);
}

void toll_pricebook_recall(struct pricebook *p)
{
	if (!recall_reload(p) && p->cache_path)
		recall_cache(p);
}
