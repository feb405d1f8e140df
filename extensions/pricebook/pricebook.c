/* SPDX-License-Identifier: Apache-2.0 */
/* pricebook - keeps the current price book loaded, fresh and published. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/thread.h"
#include "extensions/pricebook/private.h"
#include "net/http_post.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

/* ---- the thread ---- */

static void wait_for_next(struct pricebook *p)
{
	uint64_t wait = toll_pricebook_wait_ns(p);
	uint64_t until = wait ? toll_clock_mono_ns() + wait : 0;
	int err = 0;

	pthread_mutex_lock(&p->lock);
	while (!err && !p->poked && !atomic_load(&p->stop))
		err = toll_cond_wait_until(&p->wake, &p->lock, until);
	pthread_mutex_unlock(&p->lock);
}

static void *keep_fresh(void *arg)
{
	struct pricebook *p = arg;

	/* Files have been read at the start already. */
	if (!p->config->endpoint.len)
		wait_for_next(p);
	while (!atomic_load(&p->stop)) {
		toll_pricebook_settle(p);
		(toll_pricebook_follows(p) ? toll_pricebook_follow : toll_pricebook_refresh)(p);
		wait_for_next(p);
	}
	return NULL;
}

/* A file has changed, or somebody asks. */
static void poke(void *ctx)
{
	struct pricebook *p = ctx;

	pthread_mutex_lock(&p->lock);
	p->poked = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

static void refresh_soon(struct toll_price_feed *feed)
{
	struct pricebook *p = toll_container_of(feed, struct pricebook, feed);

	struct toll_edition *e;

	if (!toll_pricebook_follows(p)) {
		poke(p);
		return;
	}
	/* A stream brings what there is by itself. */
	e = toll_price_feed_get(feed);
	toll_price_feed_tell(feed, e ? 0 : TOLL_EDOWN, e ? NULL : "there are no prices yet");
	toll_edition_unref(e);
}

static void confirm(struct toll_price_feed *feed, const char *version)
{
	toll_pricebook_confirm(toll_container_of(feed, struct pricebook, feed), version);
}

static int watch_files(struct pricebook *p)
{
	const struct toll_slice_list *files = &p->config->files;

	p->watches = calloc(files->count + 1, sizeof(struct toll_file_watch *));
	if (!p->watches)
		return TOLL_ENOMEM;
	for (size_t i = 0; i < files->count; i++) {
		p->watches[i] = toll_file_watch_new(p->super.super.host, files->at[i].ptr, poke, p);
		if (!p->watches[i])
			return TOLL_ENOMEM;
		p->watch_count++;
	}
	return 0;
}

/* ---- life ---- */

static int pricebook_start(struct toll_component *c, struct toll_error *reterr)
{
	struct pricebook *p = toll_container_of(c, struct pricebook, super.super);
	int err = toll_host_publish(c->host, "pricebook", c->id.text, &p->source);

	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	p->published = true;
	err = toll_host_publish(c->host, "price_feed", c->id.text, &p->feed);
	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	p->fed = true;
	toll_host_metrics_add(c->host, &p->metrics);
	p->measured = true;
	err = watch_files(p);
	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	toll_pricebook_recall(p);
	/* A local file is there at once: not even the first span goes without a price. */
	if (!p->config->endpoint.len)
		toll_pricebook_refresh(p);
	err = toll_thread_start(&p->thread, "toll-prices", keep_fresh, p);
	if (err)
		return toll_fail(reterr, err, "%s: no thread: %s", c->who, toll_err_text(err));
	p->running = true;
	return 0;
}

/* A request that runs is given up within about a second. */
static void stop_thread(struct pricebook *p)
{
	if (!p->running)
		return;
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->stop, true);
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	p->running = false;
}

static void pricebook_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct pricebook *p = toll_container_of(c, struct pricebook, super.super);

	stop_thread(p);
	if (p->measured)
		toll_host_metrics_remove(c->host, &p->metrics);
	if (p->published)
		toll_host_withdraw(c->host, &p->source);
	if (p->fed)
		toll_host_withdraw(c->host, &p->feed);
	p->measured = p->published = p->fed = false;
}

static void pricebook_free(struct toll_component *c)
{
	struct pricebook *p = toll_container_of(c, struct pricebook, super.super);

	pricebook_shutdown(c, 0);
	for (size_t i = 0; i < p->watch_count; i++)
		toll_file_watch_free(p->watches[i]); /* the main loop's */
	free(p->watches);
	if (p->gated)
		toll_host_gate_remove(c->host, c->id.text);
	toll_snapshot_set(&p->source.current, NULL);
	toll_price_feed_release(&p->feed);
	toll_edition_unref(p->current);
	toll_edition_unref(p->held);
	toll_host_let_go(c->host, p->kept);
	free(p->cache_path);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct toll_component_ops pricebook_ops = { pricebook_start, pricebook_shutdown,
	                                                 pricebook_free };

/* What is said of the source, and how it is known again: by another run, or after a reload. */
static void name_origin(struct pricebook *p)
{
	const struct toll_prices_settings *s = p->config;
	uint64_t hash = toll_hash(s->endpoint);

	for (size_t i = 0; i < s->files.count; i++)
		hash = toll_hash_seeded(s->files.at[i], hash);
	for (size_t i = 0; i < s->catalogue.count; i++)
		hash = toll_hash_seeded(s->catalogue.at[i], hash);
	p->origin_hash = hash;
	toll_url_shown(s->endpoint.len ? s->endpoint.ptr : "", p->origin, sizeof(p->origin));
	for (char *at = p->origin; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '_';
}

/* "/var/lib/spantoll/prices-<id>-<hash of the id>.cache": an id may hold a '/'. */
static int name_cache(struct pricebook *p)
{
	const struct toll_slice directory = p->config->cache_directory;
	struct toll_slice id = toll_slice_str(p->super.super.id.text);
	char shown[64];

	if (!directory.len)
		return 0;
	snprintf(shown, sizeof(shown), "%s", id.ptr);
	for (char *at = shown; *at; at++)
		if (*at == '/' || (unsigned char)*at < ' ')
			*at = '_';
	return asprintf(&p->cache_path, "%s/prices-%s-%08x.cache", directory.ptr, shown,
	                (unsigned)toll_hash(id)) < 0
	               ? TOLL_ENOMEM
	               : 0;
}

static void release_kept(void *state)
{
	struct toll_pricebook_kept *k = state;

	toll_snapshot_set(&k->last, NULL);
}

static int pricebook_create(const struct toll_settings *set, const void *config,
                            struct toll_component **ret, struct toll_error *reterr)
{
	struct pricebook *p = calloc(1, sizeof(*p));

	if (!p || toll_cond_init(&p->wake) < 0) {
		free(p);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	pthread_mutex_init(&p->lock, NULL);
	toll_component_init(&p->super.super, &pricebook_ops, set);
	p->config = config;
	p->source.current = (struct toll_snapshot)TOLL_SNAPSHOT_INIT;
	p->source.ttl_ns = p->config->endpoint.len ? p->config->ttl : 0;
	toll_price_feed_init(&p->feed);
	p->feed.ttl_ns = p->source.ttl_ns;
	p->feed.refresh = refresh_soon;
	p->feed.confirm = confirm;
	p->metrics.collect = toll_pricebook_collect;
	if (p->config->endpoint.len)
		p->breaker.failures = (uint32_t)p->config->circuit_breaker.failures;
	p->breaker.open_ns = p->config->circuit_breaker.open;
	p->gated = toll_host_gate_add(set->host, set->id.text) == 0;
	p->kept = toll_host_keep(set->host, "pricebook", set->id.text, sizeof(*p->kept),
	                         release_kept);
	name_origin(p);
	if (!p->gated || !p->kept || name_cache(p) < 0) {
		pricebook_free(&p->super.super);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	*ret = &p->super.super;
	return 0;
}

static void pricebook_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_prices_settings *s = config;

	if (!toll_prices_are_set(s))
		toll_report_error(r, "", "needs prices: set files, endpoint or catalogue");
	toll_prices_validate(s, "files", r);
}

struct pricebook_config {
	struct toll_prices_settings prices; /* alone: processors/pricing brings its own */
};

static const struct toll_field pricebook_fields[] = {
	TOLL_PRICES_FIELDS(struct pricebook_config, prices, "files"),
	TOLL_FIELD_END,
};

const struct toll_factory toll_extension_pricebook = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_BETA,
	.type = "pricebook",
	.help = "Loads prices from files or a URL and keeps them fresh.",
	.config_size = sizeof(struct pricebook_config),
	.fields = pricebook_fields,
	.validate = pricebook_validate,
	.serves = "pricebook",
	.create = pricebook_create,
};
