/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "exporters/enforcer/publish.h"

/* ---- spend rows ---- */

/* Before the first decision: the smallest of the matching limits. */
static const struct toll_rule *shown_rule(const struct toll_totals *t, const struct toll_service *s)
{
	const struct toll_rule *best = s->rule;

	for (uint32_t i = 0; i < s->rule_count && !s->rule; i++) {
		const struct toll_rule *rule = &t->rules->at[s->rules[i]];

		if (rule->mode != TOLL_MODE_OFF && (!best || rule->limit_pico < best->limit_pico))
			best = rule;
	}
	return best;
}

static struct toll_spend_row row_of(const struct toll_totals *t, const struct toll_service *s)
{
	const struct toll_rule *rule = shown_rule(t, s);
	uint32_t window = rule ? rule->window : 0;

	return (struct toll_spend_row){
		.service = s->name,
		.rolling_pico = s->accounts[window].reading.nano * 1000,
		.limit_pico = rule ? rule->limit_pico : 0,
		.ema_usd = s->rule_ema,
		.window_ns = t->rules->windows[window].window_ms * TOLL_MS,
		.total_pico = s->total_pico,
		.spans = s->spans,
		.unpriced = s->unpriced,
		.throttled = s->throttled,
		.shadow = s->shadow,
	};
}

/* __overflow__ is a row only once something overflowed. */
static bool has_row(const struct toll_totals *t, uint32_t i)
{
	const struct toll_service *s = t->services[i];

	return i > 0 || s->spans > 0 || s->accounts[0].reading.nano > 0;
}

void toll_totals_each(struct toll_spend_source *source,
                      void (*row)(void *ctx, const struct toll_spend_row *r), void *ctx)
{
	struct toll_totals *t = toll_container_of(source, struct toll_totals, source);

	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++)
		if (has_row(t, i)) {
			struct toll_spend_row r = row_of(t, t->services[i]);

			row(ctx, &r);
		}
	toll_totals_unlock(t);
}

/* ---- Prometheus ---- */

struct family {
	const char *name, *help;
	enum toll_metric_type type;
	void (*value)(const struct toll_spend_row *r, char *text, size_t size);
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

static void sample(void *ctx, const struct toll_spend_row *r)
{
	struct family *f = ctx;
	struct toll_label label = { "service", r->service };
	char text[TOLL_MONEY_TEXT] = "";

	f->value(r, text, sizeof(text));
	if (text[0])
		toll_metrics_sample_text(f->w, &label, 1, toll_slice_str(text));
}

static void write_services(struct toll_totals *t, struct toll_metrics_writer *w)
{
	struct family families[] = {
		{ "cost_per_service",
		  "USD spent by the service, as seen by this daemon since its start.",
		  TOLL_METRIC_COUNTER, value_cost, w },
		{ "budget_utilization_pct",
		  "Spend in the rolling window as a share of the nearest budget's limit.",
		  TOLL_METRIC_GAUGE, value_utilization, w },
		{ "spantoll_enforcer_throttled", "1 while the service's throttle flag is set.",
		  TOLL_METRIC_GAUGE, value_throttled, w },
	};

	for (size_t i = 0; i < TOLL_COUNT(families); i++) {
		toll_metrics_family(w, families[i].name, families[i].type, families[i].help);
		toll_totals_each(&t->source, sample, &families[i]);
	}
}

static void write_totals(struct toll_totals *t, struct toll_metrics_writer *w)
{
	char lost[TOLL_MONEY_TEXT];
	uint64_t services, overflow, refused;

	toll_totals_lock(t);
	services = t->count;
	overflow = t->overflow_spans;
	refused = t->refused_spans;
	toll_money_print_wide(t->lost_nano * 1000, lost);
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
	toll_metrics_family(w, "spantoll_enforcer_expired_usd", TOLL_METRIC_COUNTER,
	                    "USD that left the 24 hours before the store could take them.");
	toll_metrics_sample_text(w, NULL, 0, toll_slice_str(lost));
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

static bool is_about_redis(enum toll_counter which)
{
	return which != TOLL_COUNTER_DECISIONS && which != TOLL_COUNTER_FLAGS_SET &&
	       which != TOLL_COUNTER_FLAGS_RELEASED && which != TOLL_COUNTER_DECIDED_UNTIL;
}

void toll_enforcer_metrics(struct toll_totals *t, const struct toll_counters *c, bool redis,
                           struct toll_metrics_writer *w)
{
	write_services(t, w);
	write_totals(t, w);
	write_waiting(t, w);
	for (int i = 0; i < TOLL_COUNTER_COUNT; i++) {
		if (!redis && is_about_redis((enum toll_counter)i))
			continue;
		toll_metrics_family(w, counters[i].name, counters[i].type, counters[i].help);
		toll_metrics_sample(w, NULL, 0, toll_counter_get(c, (enum toll_counter)i));
	}
}
