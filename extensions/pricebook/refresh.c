/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.c - what is done with what came: published, renewed, held, or refused with the old book
 * kept. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "extensions/pricebook/private.h"
#include "pipeline/host.h"

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
void toll_pricebook_publish(struct pricebook *p, struct toll_edition *take_e)
{
	const struct toll_component *c = &p->super.super;

	toll_shared_ref(toll_pricebook_shared(take_e->book));
	toll_snapshot_set(&p->source.current, toll_pricebook_shared(take_e->book));
	toll_edition_unref(p->current);
	p->current = take_e;
	toll_snapshot_set(&p->kept->last, &toll_edition_ref(take_e)->shared);
	toll_price_feed_set(&p->feed, take_e);
	if (!is_stale(p, toll_pricebook_sync(take_e->book)))
		toll_host_gate_open(c->host, c->id.text);
}

/* The source said again that these prices hold. */
static void renew(struct pricebook *p, uint64_t sync_ns)
{
	const struct toll_component *c = &p->super.super;

	toll_pricebook_set_sync(p->current->book, sync_ns);
	toll_host_gate_open(c->host, c->id.text);
	atomic_fetch_add(&p->kept->unchanged, 1);
	toll_pricebook_renew_cache(p);
}

static void keep_etag(struct pricebook *p, const struct toll_http_etag *etag)
{
	static const struct toll_http_etag none;

	p->etag = etag ? *etag : none;
}

static void put_in_force(struct pricebook *p, struct toll_edition *take_e,
                         const struct toll_http_etag *etag, uint64_t sync_ns)
{
	toll_pricebook_set_sync(take_e->book, sync_ns);
	toll_pricebook_publish(p, take_e);
	keep_etag(p, etag);
	toll_pricebook_write_cache(p);
}

static int take_new(struct pricebook *p, const struct toll_pricebook_answer *a,
                    struct toll_error *reterr)
{
	struct toll_edition *e = a->take_edition;
	struct toll_prices_notes notes = { 0 };
	int err = toll_prices_compile(e, &notes, reterr);

	if (err) {
		toll_edition_unref(e);
		return err;
	}
	e->origin = p->origin_hash;
	if (toll_pricebook_hold(p, e, a->etag))
		return 0;
	tell_about(p, e, &notes);
	put_in_force(p, e, a->etag, a->sync_wall_ns);
	return 0;
}

static int take(struct pricebook *p, const struct toll_pricebook_answer *a,
                struct toll_error *reterr)
{
	struct toll_edition *e = a->take_edition;

	if (e && toll_pricebook_is_held(p, e->version)) {
		toll_edition_unref(e);
		return 0;
	}
	toll_pricebook_let_go(p); /* the source says something else by now */
	if (e && !(p->current && strcmp(e->version, p->current->version) == 0))
		return take_new(p, a, reterr);
	if (e)
		keep_etag(p, a->etag);
	toll_edition_unref(e);
	renew(p, a->sync_wall_ns);
	return 0;
}

void toll_pricebook_settle(struct pricebook *p)
{
	struct toll_edition *e = p->held;

	if (!e || !toll_pricebook_is_confirmed(p, e->version))
		return;
	p->held = NULL;
	toll_pricebook_let_go(p);
	TOLL_INFO(p->super.super.who, "prices that were held are confirmed entries=%u version=%s",
	          toll_pricebook_count(e->book), e->version);
	put_in_force(p, e, &p->held_etag, toll_clock_wall_ns());
	toll_price_feed_tell(&p->feed, 0, NULL);
}

/* ---- one attempt ---- */

void toll_pricebook_attempt(struct pricebook *p)
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

void toll_pricebook_answered(struct pricebook *p, const struct toll_pricebook_answer *a)
{
	const struct toll_component *c = &p->super.super;
	struct toll_error why = { .text = "" };
	int err = a->err ? a->err : take(p, a, &why);
	const char *text = a->err ? a->why : why.text;

	if (err)
		keep_old_book(p, err, text);
	end_attempt(p, err < 0);
	if (!err) {
		atomic_fetch_add(&p->kept->refreshes, 1);
		toll_host_set_health(c->host, c, p->held ? TOLL_HEALTH_DEGRADED : TOLL_HEALTH_OK,
		                     p->held ? "a new price book waits to be confirmed"
		                             : "prices are loaded");
	}
	toll_price_feed_tell(&p->feed, err, err ? text : NULL);
}

void toll_pricebook_refresh(struct pricebook *p)
{
	struct toll_http_etag etag = p->etag;
	struct toll_pricebook_answer a = { .etag = &etag };
	struct toll_error why = { .text = "" };

	toll_pricebook_attempt(p);
	a.err = toll_prices_fetch(p->config, &etag, &p->stop, &a.take_edition, &why);
	if (a.err == TOLL_ESHUTDOWN)
		return;
	a.why = why.text;
	a.sync_wall_ns = toll_clock_wall_ns();
	toll_pricebook_answered(p, &a);
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
