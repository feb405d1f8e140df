/* SPDX-License-Identifier: Apache-2.0 */
/* pricebook - keeps the current price book loaded, fresh and published. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "cost/pricebook.h"
#include "extensions/pricebook/loader.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

#define FIRST_RETRY_NS TOLL_S
#define LAST_RETRY_NS  (60 * TOLL_S)

/* Why a refresh failed: index and label of the metric. */
enum failure { OTHER = 0, UNREACHABLE, TIMEOUT, STATUS, TOO_LARGE, INVALID, NO_MEMORY, FAILURES };
static const char *const failure_labels[] = { "other",     "unreachable", "timeout",  "status",
	                                      "too_large", "invalid",     "no_memory" };

struct pricebook {
	struct toll_extension super;
	const struct toll_prices_settings *config;
	struct toll_pricebook_source source;
	struct toll_metrics_source metrics;
	bool published, measured;
	_Atomic uint64_t refreshes, failures[FAILURES];

	bool running; /* the thread; the main loop's */
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t lock; /* for wake */
	pthread_cond_t wake;  /* stop was set */

	/* The thread's own; before it runs, the main loop's. */
	uint32_t failed_in_row;
	bool loaded;
	char last_version[20];
};

/* ---- loading ---- */

static enum failure failure_of(int err)
{
	switch (err) {
	case TOLL_EDOWN:
		return UNREACHABLE;
	case TOLL_ETIMEOUT:
		return TIMEOUT;
	case TOLL_EREFUSED:
		return STATUS;
	case TOLL_ETOOBIG:
	case TOLL_EFULL:
		return TOO_LARGE;
	case TOLL_EINVALID:
		return INVALID;
	case TOLL_ENOMEM:
		return NO_MEMORY;
	default:
		return OTHER;
	}
}

static void keep_old_book(struct pricebook *p, int err, const char *why)
{
	const struct toll_component *c = &p->super.super;

	atomic_fetch_add_explicit(&p->failures[failure_of(err)], 1, memory_order_relaxed);
	p->failed_in_row++;
	if (p->loaded)
		TOLL_WARN(c->who, "keeps the old prices: %s", why);
	else
		TOLL_FAULT(c->who, "no prices yet, spans get cost.error: %s", why);
	toll_host_set_health(c->host, c, TOLL_HEALTH_DEGRADED, why);
}

static void tell_about(struct pricebook *p, const struct toll_pricebook *book,
                       const struct toll_prices_notes *notes)
{
	const char *version = toll_pricebook_version(book), *who = p->super.super.who;

	if (strcmp(version, p->last_version) == 0)
		return;
	snprintf(p->last_version, sizeof(p->last_version), "%s", version);
	TOLL_INFO(who, "prices are loaded entries=%u version=%s", toll_pricebook_count(book),
	          version);
	if (notes->ignored)
		TOLL_WARN(who, "ignored %u members that are no prices, \"%s\" first",
		          notes->ignored, notes->first);
}

static void publish_book(struct pricebook *p, struct toll_pricebook *take_book,
                         const struct toll_prices_notes *notes)
{
	const struct toll_component *c = &p->super.super;

	tell_about(p, take_book, notes);
	toll_snapshot_set(&p->source.current, toll_pricebook_shared(take_book));
	atomic_fetch_add_explicit(&p->refreshes, 1, memory_order_relaxed);
	p->failed_in_row = 0;
	p->loaded = true;
	toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "prices are loaded");
	toll_host_gate_open(c->host, c->id.text);
}

static void refresh(struct pricebook *p)
{
	struct toll_prices_notes notes = { 0 };
	struct toll_pricebook *book;
	struct toll_error why;
	int err = toll_prices_load(p->config, &p->stop, &book, &notes, &why);

	if (err == 0)
		publish_book(p, book, &notes);
	else if (err != TOLL_ESHUTDOWN)
		keep_old_book(p, err, why.text);
}

/* ---- the thread ---- */

/* After a failure soon, then ever later, never later than usual. A tenth is left to chance, so that
 * a fleet does not ask all at once. 0: never. */
static uint64_t next_wait_ns(const struct pricebook *p)
{
	uint64_t wait = p->config->refresh_interval, now = toll_clock_mono_ns();
	uint32_t doublings = p->failed_in_row - 1;

	if (p->failed_in_row) {
		uint64_t retry = doublings < 6 ? FIRST_RETRY_NS << doublings : LAST_RETRY_NS;

		wait = wait && wait < retry ? wait : retry;
	}
	return wait - toll_hash(toll_slice(&now, sizeof(now))) % (wait / 10 + 1);
}

static void wait_for_next(struct pricebook *p)
{
	uint64_t wait = next_wait_ns(p), until = wait ? toll_clock_mono_ns() + wait : 0;
	int err = 0;

	pthread_mutex_lock(&p->lock);
	while (!err && !atomic_load(&p->stop))
		err = toll_cond_wait_until(&p->wake, &p->lock, until);
	pthread_mutex_unlock(&p->lock);
}

static void *keep_fresh(void *arg)
{
	struct pricebook *p = arg;

	/* Files have been read at the start already. */
	if (p->config->files.count)
		wait_for_next(p);
	while (!atomic_load(&p->stop)) {
		refresh(p);
		wait_for_next(p);
	}
	return NULL;
}

/* ---- metrics ---- */

static void write_book(struct toll_metrics_writer *w, const struct toll_label *label,
                       const struct toll_pricebook *book)
{
	uint64_t sync_s = book ? toll_pricebook_sync(book) / TOLL_S : 0;
	uint64_t now_s = toll_clock_wall_ns() / TOLL_S;

	toll_metrics_family(w, "spantoll_pricebook_entries", TOLL_METRIC_GAUGE,
	                    "Prices in the current book.");
	toll_metrics_sample(w, label, 1, book ? toll_pricebook_count(book) : 0);
	toll_metrics_family(w, "spantoll_pricebook_last_sync_timestamp_seconds", TOLL_METRIC_GAUGE,
	                    "When the current book was loaded; 0: not yet.");
	toll_metrics_sample(w, label, 1, sync_s);
	if (!book)
		return;
	toll_metrics_family(w, "spantoll_pricebook_age_seconds", TOLL_METRIC_GAUGE,
	                    "Seconds since the current book was loaded.");
	toll_metrics_sample(w, label, 1, now_s > sync_s ? now_s - sync_s : 0);
}

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct pricebook *p = toll_container_of(source, struct pricebook, metrics);
	struct toll_label labels[] = { { "pricebook", toll_slice_str(p->super.super.id.text) },
		                       { "reason", { NULL, 0 } } };
	struct toll_shared *shared = toll_snapshot_get(&p->source.current);

	write_book(w, labels, toll_pricebook_of(shared));
	toll_shared_unref(shared);
	toll_metrics_family(w, "spantoll_pricebook_refreshes", TOLL_METRIC_COUNTER,
	                    "Price books loaded.");
	toll_metrics_sample(w, labels, 1, atomic_load(&p->refreshes));
	toll_metrics_family(w, "spantoll_pricebook_refresh_failures", TOLL_METRIC_COUNTER,
	                    "Price books that could not be loaded: the old one was kept.");
	for (int i = 0; i < FAILURES; i++) {
		labels[1].value = toll_slice_str(failure_labels[i]);
		toll_metrics_sample(w, labels, 2, atomic_load(&p->failures[i]));
	}
}

/* ---- life ---- */

static int pricebook_start(struct toll_component *c, struct toll_error *reterr)
{
	struct pricebook *p = toll_container_of(c, struct pricebook, super.super);
	int err = toll_host_publish(c->host, "pricebook", c->id.text, &p->source);

	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	p->published = true;
	toll_host_metrics_add(c->host, &p->metrics);
	p->measured = true;
	/* A local file is there at once: not even the first span goes without a price. */
	if (p->config->files.count)
		refresh(p);
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
	p->measured = p->published = false;
}

static void pricebook_free(struct toll_component *c)
{
	struct pricebook *p = toll_container_of(c, struct pricebook, super.super);

	pricebook_shutdown(c, 0);
	toll_host_gate_remove(c->host, c->id.text);
	toll_snapshot_set(&p->source.current, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct toll_component_ops pricebook_ops = { pricebook_start, pricebook_shutdown,
	                                                 pricebook_free };

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
	p->metrics.collect = collect;
	toll_host_gate_add(set->host, set->id.text);
	*ret = &p->super.super;
	return 0;
}

static void pricebook_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_prices_settings *s = config;

	if (!toll_prices_are_set(s))
		toll_report_error(r, "", "needs prices: set files or endpoint");
	toll_prices_validate(s, "files", r);
}

struct pricebook_config {
	struct toll_prices_settings prices; /* alone: processors/pricing brings its own */
};

static const struct toll_field pricebook_fields[] = {
	TOLL_PRICES_FIELDS(struct pricebook_config, prices, "files"),
	TOLL_FIELD_LATER("catalogue", "there is no built-in catalogue of prices yet"),
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
	.create = pricebook_create,
};
