/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.c - what is done with what came: published, renewed, or refused with the old book kept.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "extensions/pricebook/cache.h"
#include "extensions/pricebook/private.h"
#include "pipeline/host.h"

/* A cache is written again for a newer sync alone at most this often: disks wear. */
#define CACHE_RENEW_NS (60 * TOLL_S)

/* ---- the cache ---- */

static void write_cache(struct pricebook *p)
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

static void renew_cache(struct pricebook *p, uint64_t sync_ns)
{
	if (sync_ns - p->cached_wall_ns >= CACHE_RENEW_NS)
		write_cache(p);
}

/* ---- the book in force ---- */

static void tell_about(const struct pricebook *p, const struct toll_edition *e,
                       const struct toll_prices_notes *notes)
{
	const char *who = p->super.super.who;

	TOLL_INFO(who, "prices are loaded entries=%u version=%s", toll_pricebook_count(e->book),
	          e->version);
	if (notes->warnings)
		TOLL_WARN(who, "the price documents have %u warnings, first: %s", notes->warnings,
		          notes->first);
}

static bool is_stale(const struct pricebook *p, uint64_t sync_ns)
{
	uint64_t now = toll_clock_wall_ns();

	return p->source.ttl_ns && now > sync_ns && now - sync_ns > p->source.ttl_ns;
}

/* Takes the edition. A book that is stale already (out of the cache) tells spans since when; the
 * process does not get ready by it. */
static void publish(struct pricebook *p, struct toll_edition *take_e)
{
	const struct toll_component *c = &p->super.super;

	toll_shared_ref(toll_pricebook_shared(take_e->book));
	toll_snapshot_set(&p->source.current, toll_pricebook_shared(take_e->book));
	toll_edition_unref(p->current);
	p->current = take_e;
	toll_snapshot_set(&p->kept->last, &toll_edition_ref(take_e)->shared);
	if (!is_stale(p, toll_pricebook_sync(take_e->book)))
		toll_host_gate_open(c->host, c->id.text);
}

/* The source said again that these prices hold. */
static void renew(struct pricebook *p)
{
	uint64_t now = toll_clock_wall_ns();
	const struct toll_component *c = &p->super.super;

	toll_pricebook_set_sync(p->current->book, now);
	toll_host_gate_open(c->host, c->id.text);
	atomic_fetch_add(&p->kept->unchanged, 1);
	renew_cache(p, now);
}

static int take_new(struct pricebook *p, struct toll_edition *take_e, struct toll_error *reterr)
{
	struct toll_prices_notes notes = { 0 };
	int err = toll_prices_compile(take_e, &notes, reterr);

	if (err) {
		toll_edition_unref(take_e);
		return err;
	}
	take_e->origin = p->origin_hash;
	toll_pricebook_set_sync(take_e->book, toll_clock_wall_ns());
	tell_about(p, take_e, &notes);
	publish(p, take_e);
	return 0;
}

/* NULL: nothing has changed. */
static int take(struct pricebook *p, struct toll_edition *take_e, const struct toll_http_etag *etag,
                struct toll_error *reterr)
{
	bool same = !take_e || (p->current && strcmp(take_e->version, p->current->version) == 0);
	int err;

	if (same && take_e)
		p->etag = *etag;
	if (same) {
		toll_edition_unref(take_e);
		renew(p);
		return 0;
	}
	err = take_new(p, take_e, reterr);
	if (!err) {
		p->etag = *etag;
		write_cache(p);
	}
	return err;
}

/* ---- one attempt ---- */

static void begin_attempt(struct pricebook *p)
{
	pthread_mutex_lock(&p->lock);
	toll_breaker_attempt(&p->breaker);
	p->poked = false;
	pthread_mutex_unlock(&p->lock);
}

/* Tells when the breaker has opened or closed. */
static void end_attempt(struct pricebook *p, bool failed)
{
	enum toll_breaker_state before, after;
	uint64_t wait;

	pthread_mutex_lock(&p->lock);
	before = p->breaker.state;
	(failed ? toll_breaker_failure : toll_breaker_success)(&p->breaker);
	after = p->breaker.state;
	wait = toll_breaker_wait_ns(&p->breaker);
	pthread_mutex_unlock(&p->lock);
	if (after == before)
		return;
	if (after == TOLL_BREAKER_OPEN)
		atomic_fetch_add(&p->kept->opened, 1);
	if (after == TOLL_BREAKER_OPEN && before == TOLL_BREAKER_CLOSED)
		TOLL_WARN(
			p->super.super.who,
			"circuit breaker open: the endpoint is left alone, one probe every %" PRIu64
			" s or later",
			wait / TOLL_S);
	if (after == TOLL_BREAKER_CLOSED)
		TOLL_INFO(p->super.super.who, "circuit breaker closed: the endpoint answers again");
}

static void keep_old_book(struct pricebook *p, int err, const char *why)
{
	const struct toll_component *c = &p->super.super;

	atomic_fetch_add(&p->kept->failures[toll_refresh_failure_of(err)], 1);
	if (p->current)
		TOLL_WARN(c->who, "keeps the old prices: %s", why);
	else
		TOLL_FAULT(c->who, "no prices yet, spans get cost.error: %s", why);
	toll_host_set_health(c->host, c, TOLL_HEALTH_DEGRADED, why);
}

void toll_pricebook_refresh(struct pricebook *p)
{
	const struct toll_component *c = &p->super.super;
	struct toll_http_etag etag = p->etag;
	struct toll_edition *e;
	struct toll_error why;
	int err;

	begin_attempt(p);
	err = toll_prices_fetch(p->config, &etag, &p->stop, &e, &why);
	if (err == TOLL_ESHUTDOWN)
		return;
	if (!err)
		err = take(p, e, &etag, &why);
	if (err)
		keep_old_book(p, err, why.text);
	end_attempt(p, err < 0);
	if (err)
		return;
	atomic_fetch_add(&p->kept->refreshes, 1);
	toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "prices are loaded");
}

/* After a failure as the breaker says, never later than usual. A part is left to chance, so that a
 * fleet does not ask all at once. */
uint64_t toll_pricebook_wait_ns(struct pricebook *p)
{
	uint64_t wait = p->config->refresh_interval, now = toll_clock_mono_ns(), retry;

	pthread_mutex_lock(&p->lock);
	retry = toll_breaker_wait_ns(&p->breaker);
	pthread_mutex_unlock(&p->lock);
	if (retry)
		wait = wait && wait < retry ? wait : retry;
	return wait - toll_hash(toll_slice(&now, sizeof(now))) % (wait / (retry ? 4 : 10) + 1);
}

/* ---- what is known before the first attempt ---- */

static bool recall_reload(struct pricebook *p)
{
	struct toll_edition *e = (struct toll_edition *)toll_snapshot_get(&p->kept->last);

	if (!e || e->origin != p->origin_hash) {
		toll_edition_unref(e);
		return false;
	}
	publish(p, e);
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
	publish(p, c->edition);
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
