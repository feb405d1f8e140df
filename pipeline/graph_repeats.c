/* SPDX-License-Identifier: Apache-2.0 */
/* graph_repeats.c - for every pipeline that a receiver wants it of: what it was given lately. Its
 * spool keeps that, or the host, so that a reload forgets nothing. */

#include "base/log.h"
#include "pipeline/graph_private.h"
#include "pipeline/repeats.h"
#include "pipeline/spool.h"

/* What the host keeps for a pipeline. */
struct kept {
	struct toll_repeats *ring;
};

static void release(void *state)
{
	struct kept *k = state;

	k->ring = toll_repeats_free(k->ring);
}

static const struct toll_repeats_settings *settings_of(const struct toll_graph_part *source)
{
	size_t at = source->factory->repeats_settings;
	const struct toll_repeats_settings *set =
		at ? (const void *)((const char *)source->config + at) : NULL;

	return set && set->enabled ? set : NULL;
}

static bool leads_to(const struct toll_route *r, const struct toll_chain *c)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->legs[i].chain == c)
			return true;
	return false;
}

/* The largest of the receivers before it. */
static struct toll_repeats_settings wanted(const struct toll_graph *g, const struct toll_chain *c)
{
	struct toll_repeats_settings all = { 0 };

	for (size_t i = 0; i < g->route_count; i++) {
		const struct toll_repeats_settings *set = settings_of(g->routes[i].source);

		if (!set || !leads_to(g->routes[i].route, c))
			continue;
		all.enabled = true;
		all.fingerprints |= set->fingerprints;
		all.max_age = set->max_age > all.max_age ? set->max_age : all.max_age;
		all.max_bytes = set->max_bytes > all.max_bytes ? set->max_bytes : all.max_bytes;
	}
	return all;
}

static void limit(struct toll_repeats *ring, const struct toll_repeats_settings *set)
{
	if (ring)
		toll_repeats_limit(ring, set->max_age, set->max_bytes);
}

/* One that another graph uses stays as it is until this one begins to work. */
static int keep(struct toll_graph *g, const char *what, const char *pipeline,
                const struct toll_repeats_settings *set, void **ret_kept,
                struct toll_repeats **ret_ring)
{
	struct kept *k = toll_host_keep(g->host, what, pipeline, sizeof(*k), release);

	if (!k)
		return TOLL_ENOMEM;
	*ret_kept = k;
	if (!k->ring) {
		k->ring = toll_repeats_new(toll_repeats_seed());
		limit(k->ring, set);
	}
	*ret_ring = k->ring;
	return k->ring ? 0 : TOLL_ENOMEM;
}

static int keep_requests(struct toll_graph *g, struct toll_chain *c,
                         const struct toll_repeats_settings *set)
{
	return keep(g, "repeats", c->id, set, &c->kept_repeats, &c->repeats);
}

/* Where the disk does not let us, a request is known until the process ends. */
static int open_one(struct toll_graph *g, size_t at)
{
	struct toll_chain *c = &g->chains[at];
	struct toll_spool *s = g->spools[at].spool;
	struct toll_repeats_settings set = wanted(g, c);
	struct toll_error why;

	if (!set.enabled)
		return 0;
	if (set.fingerprints &&
	    keep(g, "fingerprints", c->id, &set, &c->kept_fingerprints, &c->fingerprints) < 0)
		return TOLL_ENOMEM;
	if (!s)
		return keep_requests(g, c, &set);
	if (toll_spool_remember(s, &set, &why) < 0) {
		TOLL_WARN(s->who, "requests that come again after a restart will count again: %s",
		          why.text);
		return keep_requests(g, c, &set);
	}
	c->repeats = s->repeats;
	return 0;
}

int toll_graph_open_repeats(struct toll_graph *g, struct toll_error *reterr)
{
	for (size_t i = 0; i < g->chain_count; i++)
		if (open_one(g, i) < 0)
			return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", g->chains[i].id);
	return 0;
}

void toll_graph_limit_repeats(struct toll_graph *g)
{
	for (size_t i = 0; i < g->chain_count; i++) {
		struct toll_repeats_settings set = wanted(g, &g->chains[i]);

		limit(g->chains[i].fingerprints, &set);
		if (g->chains[i].kept_repeats)
			limit(g->chains[i].repeats, &set);
		else if (g->chains[i].repeats)
			toll_spool_limit_repeats(g->spools[i].spool, &set);
	}
}

/* ---- metrics ---- */

static uint64_t known(const struct toll_repeats_counts *n)
{
	return n->known;
}

static uint64_t bytes(const struct toll_repeats_counts *n)
{
	return n->bytes;
}

static uint64_t cut(const struct toll_repeats_counts *n)
{
	return n->cut;
}

static uint64_t hits(const struct toll_repeats_counts *n)
{
	return n->hits;
}

void toll_graph_write_repeats(const struct toll_graph *g, struct toll_metrics_writer *w)
{
	static const struct {
		const char *name, *help;
		uint64_t (*value)(const struct toll_repeats_counts *n);
		enum toll_metric_type type;
		bool of_spans;
	} families[] = {
		{ "spantoll_deduplicate_requests",
		  "Requests that would be known if they came again.", known, TOLL_METRIC_GAUGE,
		  false },
		{ "spantoll_deduplicate_bytes", "Memory for these.", bytes, TOLL_METRIC_GAUGE,
		  false },
		{ "spantoll_deduplicate_cut_requests",
		  "Requests forgotten before max_age, for want of max_bytes.", cut,
		  TOLL_METRIC_COUNTER, false },
		{ "spantoll_deduplicate_known_spans",
		  "Spans that would be known if they came again (fingerprints).", known,
		  TOLL_METRIC_GAUGE, true },
		{ "spantoll_deduplicate_dropped_spans",
		  "Spans that came again in another request and were dropped (fingerprints).", hits,
		  TOLL_METRIC_COUNTER, true },
	};

	for (size_t f = 0; f < TOLL_COUNT(families); f++) {
		toll_metrics_family(w, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i < g->chain_count; i++) {
			const struct toll_label label = { "pipeline",
				                          toll_slice_str(g->chains[i].id) };
			struct toll_repeats *ring = families[f].of_spans ? g->chains[i].fingerprints
			                                                 : g->chains[i].repeats;
			struct toll_repeats_counts n;

			if (!ring)
				continue;
			toll_repeats_count(ring, &n);
			toll_metrics_sample(w, &label, 1, families[f].value(&n));
		}
	}
}

void toll_graph_forget_repeats(struct toll_graph *g)
{
	for (size_t i = 0; i < g->chain_count; i++) {
		if (g->chains[i].kept_repeats)
			toll_host_let_go(g->host, g->chains[i].kept_repeats);
		if (g->chains[i].kept_fingerprints)
			toll_host_let_go(g->host, g->chains[i].kept_fingerprints);
	}
}
