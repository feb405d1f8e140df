/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "exporters/enforcer/store_redis/publish.h"

/* One label set each: a scraper wants no other. */
struct family {
	const char *name, *help;
	void (*value)(const struct toll_spend_row *r, char *text, size_t size);
	/* Of subjects of this dimension alone, which names the label; NULL: of all subjects, or
	 * all but services, by dimension and subject. */
	const char *dimension;
	enum toll_metric_type type;
	bool services;
};

struct family_writer {
	const struct family *family;
	struct toll_metrics_writer *w;
};

static void value_cost(const struct toll_spend_row *r, char *text, size_t size)
{
	char money[TOLL_MONEY_TEXT];

	toll_money_print_wide(r->total_pico, money);
	snprintf(text, size, "%s", money);
}

static void value_utilization(const struct toll_spend_row *r, char *text, size_t size)
{
	if (r->limit_pico > 0)
		snprintf(text, size, "%.10g",
		         (double)r->rolling_pico / (double)r->limit_pico * 100);
}

static void value_throttled(const struct toll_spend_row *r, char *text, size_t size)
{
	snprintf(text, size, "%d", r->throttled);
}

static void value_burn_rate(const struct toll_spend_row *r, char *text, size_t size)
{
	if (r->limit_pico > 0)
		snprintf(text, size, "%.10g", r->burn_usd_per_hour);
}

static void value_limit_reached(const struct toll_spend_row *r, char *text, size_t size)
{
	if (r->limit_pico > 0 && r->limit_reached_s >= 0)
		snprintf(text, size, "%.0f", r->limit_reached_s);
}

static const struct family families[] = {
	{ "cost_per_service", "USD spent by the service, as seen by this daemon since its start.",
	  value_cost, "service", TOLL_METRIC_COUNTER, true },
	{ "budget_utilization_pct",
	  "Spend in the window as a share of the limit of the service's nearest budget.",
	  value_utilization, "service", TOLL_METRIC_GAUGE, true },
	{ "spantoll_enforcer_throttled", "1 while the service's throttle flag is set.",
	  value_throttled, "service", TOLL_METRIC_GAUGE, true },
	{ "budget_burn_rate_usd_per_hour",
	  "By which the spend that the nearest budget sees grew in the last minutes; 0: it did "
	  "not.",
	  value_burn_rate, NULL, TOLL_METRIC_GAUGE, true },
	{ "budget_limit_reached_seconds",
	  "Until the nearest budget's limit is reached at that rate; 0: it is. Absent: never.",
	  value_limit_reached, NULL, TOLL_METRIC_GAUGE, true },
};

/* Where there are budgets for other subjects than services. */
static const struct family subject_families[] = {
	{ "cost_per_subject",
	  "USD spent by a subject of budgets, as seen by this daemon since its start.", value_cost,
	  NULL, TOLL_METRIC_COUNTER, false },
	{ "budget_subject_utilization_pct",
	  "Spend in the window as a share of the limit of the subject's nearest budget.",
	  value_utilization, NULL, TOLL_METRIC_GAUGE, false },
	{ "spantoll_enforcer_subject_throttled", "1 while the subject's throttle flag is set.",
	  value_throttled, NULL, TOLL_METRIC_GAUGE, false },
	{ "cost_by_feature_usd",
	  "USD spent for the feature, as seen by this daemon since its start.", value_cost,
	  "feature", TOLL_METRIC_COUNTER, false },
	{ "cost_per_commit", "USD spent by the commit, as seen by this daemon since its start.",
	  value_cost, "commit", TOLL_METRIC_COUNTER, false },
};

static void sample(void *ctx, const struct toll_spend_row *r)
{
	const struct family_writer *f = ctx;
	const char *dimension = f->family->dimension;
	struct toll_label labels[] = { { dimension ? dimension : "dimension",
		                         dimension ? r->value : r->dimension },
		                       { "subject", r->subject } };
	char text[TOLL_MONEY_TEXT] = "";

	if (dimension ? !toll_slice_is(r->dimension, dimension)
	              : r->service.len && !f->family->services)
		return;
	f->family->value(r, text, sizeof(text));
	if (text[0])
		toll_metrics_sample_text(f->w, labels, dimension ? 1 : 2, toll_slice_str(text));
}

static void write_families(struct toll_totals *t, const struct family *list, size_t count,
                           struct toll_metrics_writer *w)
{
	for (size_t i = 0; i < count; i++) {
		struct family_writer f = { &list[i], w };

		toll_metrics_family(w, list[i].name, list[i].type, list[i].help);
		toll_totals_each(&t->source, sample, &f);
	}
}

/* With the lock held for a moment: a reload may change it. */
static bool has_other_kinds(struct toll_totals *t)
{
	bool other;

	toll_totals_lock(t);
	other = t->rules->subjects.kind_count > 1;
	toll_totals_unlock(t);
	return other;
}

static void write_totals(struct toll_totals *t, struct toll_metrics_writer *w)
{
	char lost[TOLL_MONEY_TEXT], passed[TOLL_MONEY_TEXT];
	uint64_t services, overflow, refused, repeated;

	toll_totals_lock(t);
	services = t->count;
	overflow = t->overflow_spans;
	repeated = t->repeated_spans;
	refused = t->refused_spans;
	toll_money_print_wide(t->lost_nano * 1000, lost);
	toll_money_print_wide(t->passed_nano * 1000, passed);
	toll_totals_unlock(t);
	toll_metrics_family(w, "spantoll_enforcer_services", TOLL_METRIC_GAUGE,
	                    "Service names kept apart now.");
	toll_metrics_sample(w, NULL, 0, services);
	toll_metrics_family(w, "spantoll_enforcer_overflow_spans", TOLL_METRIC_COUNTER,
	                    "Spans counted under __overflow__: more names than max_services.");
	toll_metrics_sample(w, NULL, 0, overflow);
	toll_metrics_family(
		w, "spantoll_enforcer_refused_spans", TOLL_METRIC_COUNTER,
		"Priced spans left out of the totals: impossible amount, or received too "
		"long ago.");
	toll_metrics_sample(w, NULL, 0, refused);
	toll_metrics_family(
		w, "spantoll_enforcer_repeated_spans", TOLL_METRIC_COUNTER,
		"Spans read once more from a journal whose cost was in the totals already.");
	toll_metrics_sample(w, NULL, 0, repeated);
	toll_metrics_family(w, "spantoll_enforcer_expired_usd", TOLL_METRIC_COUNTER,
	                    "USD that left the 24 hours before the store could take them.");
	toll_metrics_sample_text(w, NULL, 0, toll_slice_str(lost));
	toll_metrics_family(w, "spantoll_enforcer_passed_over_usd", TOLL_METRIC_COUNTER,
	                    "USD not published because the sums in Redis belonged to others, who "
	                    "count the same spans.");
	toll_metrics_sample_text(w, NULL, 0, toll_slice_str(passed));
}

static void write_waiting(struct toll_totals *t, struct toll_metrics_writer *w)
{
	char waiting[TOLL_MONEY_TEXT];

	toll_money_print_wide(toll_publish_waiting_pico(t), waiting);
	toll_metrics_family(w, "spantoll_enforcer_waiting_usd", TOLL_METRIC_GAUGE,
	                    "USD of the last 24 hours that the store has not taken yet.");
	toll_metrics_sample_text(w, NULL, 0, toll_slice_str(waiting));
}

static const struct {
	const char *name, *help;
	enum toll_metric_type type;
} counters[TOLL_COUNTER_COUNT] = {
#define TOLL_COUNTER(id, name_, type_, help_) \
	{ "spantoll_enforcer_" name_, help_, TOLL_METRIC_##type_ },
#include "exporters/enforcer/counters.def"
};

static const bool is_about_redis[TOLL_COUNTER_COUNT] = {
	[TOLL_COUNTER_NODES_AWAY] = true,      [TOLL_COUNTER_REDIRECTS] = true,
	[TOLL_COUNTER_SKEW_MS] = true,         [TOLL_COUNTER_UP] = true,
	[TOLL_COUNTER_FAILURES] = true,        [TOLL_COUNTER_PUBLISHES] = true,
	[TOLL_COUNTER_PUBLISH_ERRORS] = true,  [TOLL_COUNTER_LOSSES] = true,
	[TOLL_COUNTER_CONFLICTS] = true,       [TOLL_COUNTER_STALE] = true,
	[TOLL_COUNTER_DECISION_ERRORS] = true, [TOLL_COUNTER_BAD_STATES] = true,
	[TOLL_COUNTER_FLAGS_RESTORED] = true,  [TOLL_COUNTER_EVENTS] = true,
	[TOLL_COUNTER_BAD_EVENTS] = true,      [TOLL_COUNTER_DAEMONS] = true,
	[TOLL_COUNTER_SKIPPED_NAMES] = true,   [TOLL_COUNTER_INTERVAL_MS] = true,
	[TOLL_COUNTER_DISOWNED] = true,
};

void toll_enforcer_metrics(struct toll_totals *t, const struct toll_counters *c, bool redis,
                           struct toll_metrics_writer *w)
{
	write_families(t, families, TOLL_COUNT(families), w);
	if (has_other_kinds(t))
		write_families(t, subject_families, TOLL_COUNT(subject_families), w);
	write_totals(t, w);
	write_waiting(t, w);
	for (int i = 0; i < TOLL_COUNTER_COUNT; i++) {
		if (!redis && is_about_redis[i])
			continue;
		toll_metrics_family(w, counters[i].name, counters[i].type, counters[i].help);
		toll_metrics_sample(w, NULL, 0, toll_counter_get(c, (enum toll_counter)i));
	}
}

static void count_flag(void *ctx, const struct toll_flag *f)
{
	*(uint64_t *)ctx += f->throttled;
}

void toll_flags_metrics(struct toll_flag_source *flags, struct toll_metrics_writer *w)
{
	uint64_t age = toll_flags_age_ns(flags), throttled = 0;

	toll_flags_each(flags, count_flag, &throttled);
	toll_metrics_family(
		w, "spantoll_enforcer_flags", TOLL_METRIC_GAUGE,
		"Subjects that are throttled, in the copy that meshes are answered from.");
	toll_metrics_sample(w, NULL, 0, throttled);
	if (age == UINT64_MAX)
		return; /* the store was never heard: everybody passes */
	toll_metrics_family(w, "spantoll_enforcer_flags_age_milliseconds", TOLL_METRIC_GAUGE,
	                    "How long ago the store was heard; readers let everybody pass when the "
	                    "copy is older than their max_age.");
	toll_metrics_sample(w, NULL, 0, age / TOLL_MS);
}
