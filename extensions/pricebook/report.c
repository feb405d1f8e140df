/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the metrics of a price book. */
#include "extensions/pricebook/private.h"

static const char *const failure_labels[TOLL_REFRESH_FAILURES] = {
	"other", "unreachable", "timeout", "status", "too_large", "invalid", "no_memory"
};

enum toll_refresh_failure toll_refresh_failure_of(int err)
{
	switch (err) {
	case TOLL_EDOWN:
		return TOLL_REFRESH_UNREACHABLE;
	case TOLL_ETIMEOUT:
		return TOLL_REFRESH_TIMEOUT;
	case TOLL_EREFUSED:
		return TOLL_REFRESH_STATUS;
	case TOLL_ETOOBIG:
	case TOLL_EFULL:
		return TOLL_REFRESH_TOO_LARGE;
	case TOLL_EINVALID:
		return TOLL_REFRESH_INVALID;
	case TOLL_ENOMEM:
		return TOLL_REFRESH_NO_MEMORY;
	default:
		return TOLL_REFRESH_OTHER;
	}
}

static void write_book(struct toll_metrics_writer *w, const struct toll_label *label,
                       const struct toll_pricebook *book)
{
	uint64_t sync_s = book ? toll_pricebook_sync(book) / TOLL_S : 0;
	uint64_t now_s = toll_clock_wall_ns() / TOLL_S;

	toll_metrics_family(w, "spantoll_pricebook_entries", TOLL_METRIC_GAUGE,
	                    "Prices in the current book.");
	toll_metrics_sample(w, label, 1, book ? toll_pricebook_count(book) : 0);
	toll_metrics_family(w, "spantoll_pricebook_last_sync_timestamp_seconds", TOLL_METRIC_GAUGE,
	                    "When the source last said that the current book holds; 0: not yet.");
	toll_metrics_sample(w, label, 1, sync_s);
	if (!book)
		return;
	toll_metrics_family(w, "spantoll_pricebook_age_seconds", TOLL_METRIC_GAUGE,
	                    "Seconds since then.");
	toll_metrics_sample(w, label, 1, now_s > sync_s ? now_s - sync_s : 0);
}

static void write_refreshes(struct toll_metrics_writer *w, struct toll_label labels[2],
                            struct toll_pricebook_kept *k)
{
	toll_metrics_family(w, "spantoll_pricebook_refreshes", TOLL_METRIC_COUNTER,
	                    "Answers of the source that were taken, new or the same as before.");
	toll_metrics_sample(w, labels, 1, atomic_load(&k->refreshes));
	toll_metrics_family(w, "spantoll_pricebook_unchanged", TOLL_METRIC_COUNTER,
	                    "Of these, answers that nothing has changed.");
	toll_metrics_sample(w, labels, 1, atomic_load(&k->unchanged));
	toll_metrics_family(w, "spantoll_pricebook_refresh_failures", TOLL_METRIC_COUNTER,
	                    "Price books that could not be loaded: the old one was kept.");
	for (int i = 0; i < TOLL_REFRESH_FAILURES; i++) {
		labels[1] = (struct toll_label){ "reason", toll_slice_str(failure_labels[i]) };
		toll_metrics_sample(w, labels, 2, atomic_load(&k->failures[i]));
	}
}

static void write_breaker(struct toll_metrics_writer *w, struct toll_label labels[2],
                          struct pricebook *p)
{
	enum toll_breaker_state now;

	pthread_mutex_lock(&p->lock);
	now = p->breaker.state;
	pthread_mutex_unlock(&p->lock);
	toll_metrics_family(w, "spantoll_pricebook_breaker_state", TOLL_METRIC_GAUGE,
	                    "1 for the state the circuit breaker of the endpoint is in.");
	for (int i = 0; i < TOLL_BREAKER_STATES; i++) {
		const char *name = toll_breaker_name((enum toll_breaker_state)i);

		labels[1] = (struct toll_label){ "state", toll_slice_str(name) };
		toll_metrics_sample(w, labels, 2, (int)now == i);
	}
	toll_metrics_family(w, "spantoll_pricebook_breaker_opened", TOLL_METRIC_COUNTER,
	                    "How often it has opened, probes that failed included.");
	toll_metrics_sample(w, labels, 1, atomic_load(&p->kept->opened));
}

static void write_held(struct toll_metrics_writer *w, const struct toll_label *label,
                       struct pricebook *p)
{
	bool holding;

	pthread_mutex_lock(&p->lock);
	holding = p->holding;
	pthread_mutex_unlock(&p->lock);
	toll_metrics_family(w, "spantoll_pricebook_held", TOLL_METRIC_GAUGE,
	                    "1 while a new price book waits to be confirmed (max_change).");
	toll_metrics_sample(w, label, 1, holding);
}

static void write_cache(struct toll_metrics_writer *w, const struct toll_label *label,
                        struct toll_pricebook_kept *k)
{
	toll_metrics_family(w, "spantoll_pricebook_cache_failures", TOLL_METRIC_COUNTER,
	                    "Price books that could not be kept on disk.");
	toll_metrics_sample(w, label, 1, atomic_load(&k->cache_failures));
}

void toll_pricebook_collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct pricebook *p = toll_container_of(source, struct pricebook, metrics);
	struct toll_label labels[2] = { { "pricebook", toll_slice_str(p->super.super.id.text) } };
	struct toll_shared *shared = toll_snapshot_get(&p->source.current);

	write_book(w, labels, toll_pricebook_of(shared));
	toll_shared_unref(shared);
	write_refreshes(w, labels, p->kept);
	write_held(w, labels, p);
	if (!p->config->endpoint.len)
		return;
	write_breaker(w, labels, p);
	if (p->cache_path)
		write_cache(w, labels, p->kept);
}
