/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/totals/spend_rows.h"

#include "base/clock.h"

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

/* At the present rate; a period of a calendar may end before. */
static double limit_reached(const struct toll_window *w, const struct toll_reading *reading,
                            double usd_per_hour, int64_t limit_pico)
{
	double seconds = toll_burn_reaches_s(usd_per_hour, reading->nano, limit_pico);
	uint64_t ends;

	if (!w->periods || seconds <= 0)
		return seconds;
	ends = toll_periods_start_ms(w->periods, toll_window_index(w, reading->asof_ms) + 1);
	return seconds * 1000 < (double)(ends - reading->asof_ms) ? seconds : -1;
}

double toll_service_forecast_s(const struct toll_totals *t, const struct toll_service *s,
                               const struct toll_rule *rule)
{
	const struct toll_account *a = &s->accounts[rule->window];
	double rate = toll_burn_usd_per_hour(&a->burn, a->reading.asof_ms, a->reading.nano);

	return limit_reached(&t->rules->windows[rule->window], &a->reading, rate, rule->limit_pico);
}

static void add_budget(const struct toll_totals *t, const struct toll_service *s,
                       const struct toll_rule *rule, struct toll_spend_row *r)
{
	const struct toll_account *a = &s->accounts[rule->window];

	r->limit_pico = rule->limit_pico;
	r->ema_usd = s->rule_ema;
	r->burn_usd_per_hour =
		toll_burn_usd_per_hour(&a->burn, a->reading.asof_ms, a->reading.nano);
	r->limit_reached_s = toll_service_forecast_s(t, s, rule);
}

/* That of the budget, else the first that is known: 24h of a service. */
static uint32_t shown_window(const struct toll_totals *t, const struct toll_service *s,
                             const struct toll_rule *rule)
{
	uint32_t i = 0;

	if (rule)
		return rule->window;
	while (i + 1 < t->rules->window_count && !s->accounts[i].used)
		i++;
	return i;
}

static struct toll_spend_row row_of(const struct toll_totals *t, const struct toll_service *s)
{
	const struct toll_rule *rule = shown_rule(t, s);
	const struct toll_subject_kind *kind = &t->rules->subjects.kinds[s->kind];
	uint32_t window = shown_window(t, s, rule);
	struct toll_spend_row r = {
		.service = s->kind == 0 ? s->name : toll_slice("", 0),
		.subject = s->key,
		.value = kind->count == 1 ? s->values[0] : toll_slice("", 0),
		.dimension = kind->label,
		.rolling_pico = s->accounts[window].reading.nano * 1000,
		.limit_reached_s = -1,
		.window_ns = t->rules->windows[window].window_ms * TOLL_MS,
		.window = t->rules->windows[window].name,
		.total_pico = s->total_pico,
		.spans = s->spans,
		.unpriced = s->unpriced,
		.throttled = s->throttled,
		.shadow = s->shadow,
	};

	if (rule)
		add_budget(t, s, rule, &r);
	return r;
}

/* __overflow__ is a row only once something overflowed. */
static bool has_row(const struct toll_totals *t, const struct toll_service *s)
{
	bool spent = s->spans > 0;

	for (uint32_t i = 0; i < t->rules->window_count && !spent; i++)
		spent = s->accounts[i].reading.nano > 0;
	return spent || !s->overflow;
}

void toll_totals_each(struct toll_spend_source *source,
                      void (*row)(void *ctx, const struct toll_spend_row *r), void *ctx)
{
	struct toll_totals *t = toll_container_of(source, struct toll_totals, source);

	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++)
		if (has_row(t, t->services[i])) {
			struct toll_spend_row r = row_of(t, t->services[i]);

			row(ctx, &r);
		}
	toll_totals_unlock(t);
}
