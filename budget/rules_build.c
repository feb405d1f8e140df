/* SPDX-License-Identifier: Apache-2.0 */
/* rules_build.c - settings -> rules, or what is wrong with them. */
#include "budget/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "budget/calendar.h"
#include "budget/rules_inside.h"

#define SETTLE_MS     UINT64_C(10000)
#define DAY_NS        (86400 * TOLL_S)
#define FAST_OVER_NS  (300 * TOLL_S)
#define DEFAULT_LIMIT (500 * TOLL_PICO_PER_USD)

const struct toll_budget_config toll_default_budget = { .limit = DEFAULT_LIMIT,
	                                                .mode = TOLL_MODE_ENFORCE };

/* ---- one budget at a time ---- */

/* What is being made, and where its fault is. */
struct maker {
	struct toll_rules *r;
	const struct toll_budget_settings *set;
	const struct toll_budget_config *b;
	size_t index; /* of b */
	char *at;     /* TOLL_SETTING_MAX */
	struct toll_error *reterr;
};

static void blame(const struct maker *m, const char *setting)
{
	snprintf(m->at, TOLL_SETTING_MAX, "budgets::%zu%s%s", m->index, *setting ? "::" : "",
	         setting);
}

/* The window of this name, added when new. */
static int add_window(const struct maker *m, const struct toll_window *w, uint32_t *ret)
{
	struct toll_rules *r = m->r;

	for (uint32_t i = 0; i < r->window_count; i++)
		if (strcmp(r->windows[i].name, w->name) == 0) {
			*ret = i;
			return 0;
		}
	if (r->window_count == TOLL_WINDOWS_MAX)
		return toll_fail(m->reterr, TOLL_ECONFIG,
		                 "there are at most %d different windows, that of fast trips "
		                 "included",
		                 TOLL_WINDOWS_MAX - 1);
	*ret = r->window_count;
	r->windows[r->window_count++] = *w;
	return 0;
}

static int add_rolling(const struct maker *m, uint64_t window_ns, uint32_t *ret)
{
	struct toll_window w;

	if (toll_window_init(&w, window_ns, m->set->bucket) < 0)
		return toll_fail(m->reterr, TOLL_ECONFIG,
		                 "a window is whole seconds, a bucket 1s or more and cuts it "
		                 "into at most %u",
		                 TOLL_WINDOW_BUCKETS_MAX);
	return add_window(m, &w, ret);
}

static int add_calendar(const struct maker *m, uint32_t *ret)
{
	struct toll_window w;
	int err = toll_calendar_window((enum toll_budget_period)m->b->period, m->b->timezone,
	                               toll_clock_wall_ms(), &m->r->memory->arena, &w, m->reterr);

	if (err) {
		blame(m, "timezone");
		return err;
	}
	return add_window(m, &w, ret);
}

static int set_window(const struct maker *m, struct toll_rule *rule)
{
	bool rolls = m->b->period == TOLL_PERIOD_ROLLING;

	blame(m, rolls ? "window" : "period");
	if (!rolls && m->b->window)
		return toll_fail(m->reterr, TOLL_ECONFIG, "a budget has a window or a period");
	if (!rolls)
		return add_calendar(m, &rule->window);
	blame(m, "timezone");
	if (m->b->timezone.len && !toll_slice_is(m->b->timezone, "UTC"))
		return toll_fail(m->reterr, TOLL_ECONFIG,
		                 "only a period has a time zone; a window rolls");
	blame(m, "window");
	return add_rolling(m, m->b->window ? m->b->window : DAY_NS, &rule->window);
}

/* The bucket is configured for windows of budgets: where it does not fit the usual one is used. */
static int set_fast_trip(const struct maker *m, struct toll_rule *rule)
{
	const struct toll_fast_trip_config *fast = &m->b->fast_trip;
	uint64_t over = fast->over ? fast->over : FAST_OVER_NS;
	const struct toll_window *window = &m->r->windows[rule->window];
	struct toll_window w;

	blame(m, "fast_trip");
	if (fast->factor == 0)
		return fast->over ? toll_fail(m->reterr, TOLL_ECONFIG, "needs a factor") : 0;
	blame(m, "fast_trip::over");
	if (toll_window_init(&w, over, m->set->bucket) < 0 && toll_window_init(&w, over, 0) < 0)
		return toll_fail(m->reterr, TOLL_ECONFIG, "must be whole seconds");
	if (w.window_ms >= window->window_ms)
		return toll_fail(m->reterr, TOLL_ECONFIG,
		                 "must be shorter than the window of the budget");
	rule->fast_factor = fast->factor;
	return add_window(m, &w, &rule->fast_window);
}

/* What the budget does not say is said for all. */
static int set_ema(const struct maker *m, struct toll_rule *rule)
{
	const struct toll_ema_config *own = &m->b->ema, *all = &m->set->ema;
	uint64_t window =
		m->b->evaluation_window ? m->b->evaluation_window : m->set->evaluation_window;

	rule->rule = (struct toll_budget_rule){
		.limit_usd = toll_money_to_double(m->b->limit),
		.alpha = own->alpha > 0 ? own->alpha : all->alpha,
		.release = own->release > 0 ? own->release : all->release,
		.windows = (uint32_t)(own->windows ? own->windows : all->windows),
	};
	rule->evaluation_ms = window / TOLL_MS;
	blame(m, "evaluation_window");
	if (m->b->evaluation_window && (window < TOLL_S || window % TOLL_MS))
		return toll_fail(m->reterr, TOLL_ECONFIG,
		                 "must be at least 1s, in whole milliseconds");
	if (m->b->evaluation_window && window >= m->set->ttl)
		return toll_fail(m->reterr, TOLL_ECONFIG,
		                 "must be shorter than throttle::ttl: a flag is renewed once per "
		                 "window");
	return 0;
}

static int set_subjects(const struct maker *m, struct toll_rule *rule)
{
	struct toll_arena *arena = &m->r->memory->arena;
	struct toll_slice key;
	char setting[64];
	int err;

	blame(m, "name");
	if (m->b->name.len > TOLL_BUDGET_NAME_MAX)
		return toll_fail(m->reterr, TOLL_ECONFIG, "has more than %d bytes",
		                 TOLL_BUDGET_NAME_MAX);
	rule->name = toll_arena_dup(arena, m->b->name);
	err = toll_subjects_add(&m->r->subjects, m->set, &m->b->match, arena, &rule->kind,
	                        rule->globs, &key, m->reterr);
	if (!err)
		return 0;
	snprintf(setting, sizeof(setting), key.len ? "match::%.*s" : "match%.*s", TOLL_FMT(key));
	blame(m, setting);
	return err;
}

static uint64_t hash_text(struct toll_slice text, uint64_t hash)
{
	return toll_hash_seeded(text, hash + text.len);
}

static void name_rule(struct toll_rule *rule, const struct toll_rules *r)
{
	const struct toll_subject_kind *kind = &r->subjects.kinds[rule->kind];
	char text[512];
	int len = snprintf(
		text, sizeof(text), "%" PRId64 "|%s|%" PRIu64 "|%.17g|%.17g|%" PRIu32 "|%.17g|%s|",
		rule->limit_pico, r->windows[rule->window].name, rule->evaluation_ms,
		rule->rule.alpha, rule->rule.release, rule->rule.windows, rule->fast_factor,
		rule->fast_factor > 0 ? r->windows[rule->fast_window].name : "");
	uint64_t hash = toll_hash(toll_slice(text, (size_t)len));

	hash = hash_text(kind->label, hash);
	for (uint32_t i = 0; i < kind->count; i++)
		hash = hash_text(rule->globs[i], hash);
	snprintf(rule->id, sizeof(rule->id), "b:%016" PRIx64, hash);
}

static int check_unique(const struct maker *m, const struct toll_rule *rule)
{
	const struct toll_rules *r = m->r;

	for (uint32_t i = 0; i < r->count; i++) {
		blame(m, "name");
		if (rule->name.len && toll_slice_eq(r->at[i].name, rule->name))
			return toll_fail(m->reterr, TOLL_ECONFIG,
			                 "budget %u has the same name as budget %u", r->count + 1,
			                 i + 1);
		blame(m, "");
		if (strcmp(r->at[i].id, rule->id) == 0)
			return toll_fail(
				m->reterr, TOLL_ECONFIG,
				"budget %u has the same match, limit and window as budget %u",
				r->count + 1, i + 1);
	}
	return 0;
}

static int add_rule(const struct maker *m)
{
	struct toll_rule *rule = &m->r->at[m->r->count];
	int err;

	*rule = (struct toll_rule){ .limit_pico = m->b->limit,
		                    .mode = (enum toll_budget_mode)m->b->mode };
	err = set_subjects(m, rule);
	if (!err)
		err = set_window(m, rule);
	if (!err)
		err = set_fast_trip(m, rule);
	if (!err)
		err = set_ema(m, rule);
	if (err)
		return err;
	name_rule(rule, m->r);
	err = check_unique(m, rule);
	if (err)
		return err;
	if (rule->evaluation_ms < m->r->evaluation_ms)
		m->r->evaluation_ms = rule->evaluation_ms;
	m->r->count++;
	return 0;
}

/* ---- all of them ---- */

/* The day's buckets follow `bucket` where it can cut a day, so that a budget over 24h agrees. */
static void add_day(struct toll_rules *r, uint64_t bucket_ns)
{
	if (toll_window_init(&r->windows[0], DAY_NS, bucket_ns) < 0 &&
	    toll_window_init(&r->windows[0], DAY_NS, 0) < 0)
		return;
	r->window_count = 1;
}

static uint64_t settle_ms(const struct toll_budget_settings *set)
{
	uint64_t settle = set->evaluation_window / TOLL_MS;
	uint64_t rounds = 2 * set->flush_interval / TOLL_MS; /* everyone has published again */

	if (settle > SETTLE_MS)
		settle = SETTLE_MS;
	return settle > rounds ? settle : rounds;
}

static int add_rules(struct toll_rules *r, const struct toll_budget_settings *set, char *at,
                     struct toll_error *reterr)
{
	struct maker m = { .r = r, .set = set, .at = at, .reterr = reterr };
	const struct toll_budget_config *budgets = set->budgets.at;
	size_t count = set->budgets.count ? set->budgets.count : 1;
	int err = toll_subjects_init(&r->subjects, set, &r->memory->arena, at, reterr);

	if (set->budgets.count == 0)
		budgets = &toll_default_budget;
	if (err)
		return err;
	snprintf(at, TOLL_SETTING_MAX, "budgets");
	if (count > TOLL_RULES_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "more than %d budgets", TOLL_RULES_MAX);
	for (; m.index < count && !err; m.index++) {
		m.b = &budgets[m.index];
		err = add_rule(&m);
	}
	return err;
}

int toll_rules_build(struct toll_rules *r, const struct toll_budget_settings *set,
                     char at[TOLL_SETTING_MAX], struct toll_error *reterr)
{
	int err;

	memset(r, 0, sizeof(*r));
	*at = '\0';
	r->memory = toll_rules_memory_new();
	if (!r->memory)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	r->evaluation_ms = set->evaluation_window / TOLL_MS;
	r->ttl_ms = set->ttl / TOLL_MS;
	r->settle_ms = settle_ms(set);
	add_day(r, set->bucket);
	err = add_rules(r, set, at, reterr);
	if (err)
		toll_rules_release(r);
	return err;
}

int toll_rules_init(struct toll_rules *r, const struct toll_budget_settings *set,
                    struct toll_error *reterr)
{
	char at[TOLL_SETTING_MAX];

	return toll_rules_build(r, set, at, reterr);
}
