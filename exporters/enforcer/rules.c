/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "cost/name.h"

#define SETTLE_MS     UINT64_C(10000)
#define FORGET_MS     UINT64_C(86400000) /* a slot that nobody evaluated for so long is dropped */
#define DAY_NS        (86400 * TOLL_S)
#define DEFAULT_LIMIT (500 * TOLL_PICO_PER_USD)

static const struct toll_budget_config default_budget = {
	.match = { { "*", 1 } }, .limit = DEFAULT_LIMIT, .window = DAY_NS, .mode = TOLL_MODE_ENFORCE
};

/* ---- from the configuration ---- */

/* The index of this window, added when new; TOLL_WINDOWS_MAX: no room or not a window. */
static uint32_t window_index(struct toll_rules *r, uint64_t window_ns, uint64_t bucket_ns)
{
	struct toll_window w;

	if (toll_window_init(&w, window_ns, bucket_ns) < 0)
		return TOLL_WINDOWS_MAX;
	for (uint32_t i = 0; i < r->window_count; i++)
		if (r->windows[i].window_ms == w.window_ms)
			return i;
	if (r->window_count < TOLL_WINDOWS_MAX)
		r->windows[r->window_count] = w;
	return r->window_count < TOLL_WINDOWS_MAX ? r->window_count++ : TOLL_WINDOWS_MAX;
}

/* The day's buckets follow `bucket` where it can cut a day, so that a budget over 24h agrees. */
static void add_day(struct toll_rules *r, uint64_t bucket_ns)
{
	if (toll_window_init(&r->windows[0], DAY_NS, bucket_ns) < 0 &&
	    toll_window_init(&r->windows[0], DAY_NS, 0) < 0)
		return;
	r->window_count = 1;
}

static void name_rule(struct toll_rule *rule, const struct toll_rules *r)
{
	char text[512];
	int len =
		snprintf(text, sizeof(text), "%" PRId64 "|%s|%" PRIu64 "|%.17g|%.17g|%" PRIu32 "|",
	                 rule->limit_pico, r->windows[rule->window].name, r->evaluation_ms,
	                 rule->rule.alpha, rule->rule.release, rule->rule.windows);
	uint64_t hash = toll_hash_seeded(rule->glob, toll_hash(toll_slice(text, (size_t)len)));

	snprintf(rule->id, sizeof(rule->id), "b:%016" PRIx64, hash);
}

static int add_rule(struct toll_rules *r, const struct toll_enforcer_config *conf,
                    const struct toll_budget_config *b, struct toll_error *reterr)
{
	struct toll_rule *rule = &r->at[r->count];

	*rule = (struct toll_rule){ .glob = b->match.service,
		                    .limit_pico = b->limit,
		                    .mode = (enum toll_budget_mode)b->mode };
	rule->window = window_index(r, b->window, conf->bucket);
	if (rule->window == TOLL_WINDOWS_MAX)
		return toll_fail(
			reterr, TOLL_ECONFIG,
			"budget %u: a window is whole seconds, a bucket 1s or more and cuts it "
			"into at most %u; and there are at most %d different windows",
			r->count + 1, TOLL_WINDOW_BUCKETS_MAX, TOLL_WINDOWS_MAX - 1);
	rule->rule = (struct toll_budget_rule){ .limit_usd = toll_money_to_double(b->limit),
		                                .alpha = conf->ema.alpha,
		                                .release = conf->ema.release,
		                                .windows = (uint32_t)conf->ema.windows };
	name_rule(rule, r);
	for (uint32_t i = 0; i < r->count; i++)
		if (strcmp(r->at[i].id, rule->id) == 0)
			return toll_fail(
				reterr, TOLL_ECONFIG,
				"budget %u has the same match, limit and window as budget %u",
				r->count + 1, i + 1);
	r->count++;
	return 0;
}

static uint64_t settle_ms(const struct toll_enforcer_config *conf)
{
	uint64_t settle = conf->evaluation_window / TOLL_MS;
	uint64_t rounds = 2 * conf->flush_interval / TOLL_MS; /* everyone has published again */

	if (settle > SETTLE_MS)
		settle = SETTLE_MS;
	return settle > rounds ? settle : rounds;
}

int toll_rules_init(struct toll_rules *r, const struct toll_enforcer_config *conf,
                    struct toll_error *reterr)
{
	const struct toll_budget_config *budgets = conf->budgets.at;
	size_t count = conf->budgets.count;
	int err = 0;

	memset(r, 0, sizeof(*r));
	r->evaluation_ms = conf->evaluation_window / TOLL_MS;
	r->ttl_ms = conf->throttle.ttl / TOLL_MS;
	r->settle_ms = settle_ms(conf);
	add_day(r, conf->bucket);
	if (count == 0) {
		budgets = &default_budget;
		count = 1;
	}
	if (count > TOLL_RULES_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "more than %d budgets", TOLL_RULES_MAX);
	for (size_t i = 0; i < count && !err; i++)
		err = add_rule(r, conf, &budgets[i], reterr);
	return err;
}

static bool has_rule(const struct toll_rules *r, const char *id)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (strcmp(r->at[i].id, id) == 0)
			return true;
	return false;
}

/* Of the same services and window, and with rules that end here. */
static const struct toll_rule *find_before(const struct toll_rules *before,
                                           const struct toll_rules *r, const struct toll_rule *rule)
{
	for (uint32_t i = 0; i < before->count; i++) {
		const struct toll_rule *old = &before->at[i];

		if (toll_slice_eq(old->glob, rule->glob) &&
		    before->windows[old->window].window_ms == r->windows[rule->window].window_ms &&
		    !has_rule(r, old->id))
			return old;
	}
	return NULL;
}

void toll_rules_succeed(struct toll_rules *r, const struct toll_rules *before)
{
	for (uint32_t i = 0; i < r->count; i++) {
		struct toll_rule *rule = &r->at[i];
		const struct toll_rule *old;

		if (has_rule(before, rule->id))
			continue;
		old = find_before(before, r, rule);
		if (old)
			memcpy(rule->before, old->id, sizeof(rule->before));
	}
}

uint32_t toll_rules_match(const struct toll_rules *r, struct toll_slice service, uint16_t *ret)
{
	uint32_t n = 0;

	if (toll_name_is_unverified(service))
		return 0;
	for (uint32_t i = 0; i < r->count; i++)
		if (toll_name_match(r->at[i].glob, service))
			ret[n++] = (uint16_t)i;
	return n;
}

/* ---- a budget's state as text ---- */

static const char *const mode_names[] = { "enforce", "shadow" };

int toll_slot_print(const struct toll_slot *s, char buf[TOLL_SLOT_TEXT])
{
	char state[TOLL_BUDGET_TEXT], nano[TOLL_NANO_TEXT];

	toll_budget_print(&s->state, state);
	toll_nano_print(s->nano, nano);
	return snprintf(buf, TOLL_SLOT_TEXT, "%s %" PRIu64 " %s %" PRIu64 " %s", state, s->until_ms,
	                mode_names[s->mode == TOLL_MODE_SHADOW], s->at_ms, nano);
}

/* Cuts the last word, spaces being single, off text; empty when there is none. */
static struct toll_slice cut_word(struct toll_slice *text)
{
	const char *space = text->len ? memrchr(text->ptr, ' ', text->len) : NULL;
	struct toll_slice word;

	if (!space)
		return toll_slice(NULL, 0);
	word = toll_slice(space + 1, (size_t)(text->ptr + text->len - space) - 1);
	text->len = (size_t)(space - text->ptr);
	return word;
}

/* Milliseconds: digits, at most 15, so that sums of two cannot overflow. */
static bool read_ms(struct toll_slice text, uint64_t *ret)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > 15)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*ret = n;
	return true;
}

/* Digits, at most 30: what 128 bits of picodollars hold. */
static bool read_nano(struct toll_slice text, toll_i128 *ret)
{
	toll_i128 n = 0;

	if (text.len == 0 || text.len > 30)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		n = n * 10 + (text.ptr[i] - '0');
	}
	*ret = n;
	return true;
}

int toll_slot_parse(struct toll_slice text, struct toll_slot *ret)
{
	struct toll_slice nano = cut_word(&text), at = cut_word(&text);
	struct toll_slice mode = cut_word(&text), until = cut_word(&text);
	struct toll_slot s = { 0 };

	if (!read_ms(at, &s.at_ms) || !read_ms(until, &s.until_ms) || !read_nano(nano, &s.nano))
		return TOLL_EINVALID;
	if (toll_slice_is(mode, mode_names[1]))
		s.mode = TOLL_MODE_SHADOW;
	else if (!toll_slice_is(mode, mode_names[0]))
		return TOLL_EINVALID;
	if (toll_budget_parse(text, &s.state) < 0)
		return TOLL_EINVALID;
	*ret = s;
	return 0;
}

/* ---- the decision ---- */

static struct toll_slot *find_slot(struct toll_slots *slots, const char *id)
{
	for (uint32_t i = 0; i < slots->count && *id; i++)
		if (strcmp(slots->at[i].id, id) == 0 && !slots->at[i].gone)
			return &slots->at[i];
	return NULL;
}

static struct toll_slot *slot_of(struct toll_slots *slots, const struct toll_rule *rule, bool add)
{
	struct toll_slot *s = find_slot(slots, rule->id);

	if (s)
		return s;
	if (!add || slots->count == TOLL_SLOTS_MAX)
		return NULL;
	s = &slots->at[slots->count++];
	*s = (struct toll_slot){ .state = TOLL_BUDGET_STATE_INIT, .mode = rule->mode };
	memcpy(s->id, rule->id, sizeof(s->id));
	return s;
}

/* An idle service whose average has faded is left alone until it spends again. */
static bool asleep(const struct toll_rule *rule, const struct toll_slot *s, toll_i128 nano)
{
	return nano == 0 && (!s || (!s->state.on && s->state.ema < rule->rule.limit_usd / 1000));
}

/* Average and flag go on; the streaks were counted against another limit. */
static void inherit(struct toll_slot *s, struct toll_slot *before)
{
	s->state = before->state;
	s->state.over = s->state.under = 0;
	before->gone = true;
}

static bool step(const struct toll_rules *r, const struct toll_rule *rule,
                 const struct toll_reading *reading, struct toll_slots *slots)
{
	struct toll_slot *s = slot_of(slots, rule, false);
	struct toll_slot *before = s ? NULL : find_slot(slots, rule->before);
	int64_t window = (int64_t)(reading->asof_ms / r->evaluation_ms);

	if (!reading->settled || asleep(rule, s ? s : before, reading->nano))
		return false;
	if (before && before->state.window >= window)
		return false; /* this window was decided by the rule before */
	if (!s)
		s = slot_of(slots, rule, true);
	if (s && before)
		inherit(s, before);
	if (!s ||
	    !toll_budget_step(&rule->rule, &s->state, window, toll_nano_to_usd(reading->nano)))
		return false;
	s->mode = rule->mode;
	s->at_ms = reading->asof_ms;
	s->nano = reading->nano;
	s->until_ms = s->state.on ? reading->asof_ms + r->ttl_ms : 0;
	s->changed = true;
	return true;
}

/* How much a budget deserves to be shown: class first, then distance to its limit. */
static double weight(const struct toll_rule *rule, const struct toll_slot *s, toll_i128 nano)
{
	double limit = rule->rule.limit_usd > 0 ? rule->rule.limit_usd : 1e-12;
	double ratio = toll_nano_to_usd(nano) / limit;

	ratio = ratio / (1 + ratio); /* 0..1 */
	if (!s || !s->state.on)
		return ratio;
	return ratio + (rule->mode == TOLL_MODE_ENFORCE ? 4 : 2);
}

static void show(const struct toll_rule *rule, const struct toll_reading *reading,
                 struct toll_slots *slots, double *best, struct toll_verdict *v)
{
	const struct toll_slot *own = slot_of(slots, rule, false);
	const struct toll_slot *s = own ? own : find_slot(slots, rule->before);
	double w = weight(rule, s, reading->nano);

	if (v->rule && (w < *best || (w == *best && rule->limit_pico >= v->rule->limit_pico)))
		return;
	*best = w;
	v->rule = rule;
	v->rule_nano = reading->nano;
	v->rule_ema = s ? s->state.ema : 0;
}

/* Flags, and slots that nobody has touched for a day (or the flag's life, if longer). */
static void sum_up(const struct toll_rules *r, uint64_t now_ms, struct toll_slots *slots,
                   struct toll_verdict *v)
{
	uint64_t forget = r->ttl_ms > FORGET_MS ? r->ttl_ms : FORGET_MS;

	for (uint32_t i = 0; i < slots->count; i++) {
		struct toll_slot *s = &slots->at[i];

		if (s->at_ms + forget < now_ms && !s->changed)
			s->gone = true;
		if (s->gone || !s->state.on || s->until_ms <= now_ms)
			continue;
		if (s->mode == TOLL_MODE_ENFORCE)
			v->want = true;
		else
			v->shadow = true;
	}
}

void toll_rules_decide(const struct toll_rules *r, const uint16_t *matching,
                       uint32_t matching_count, const struct toll_reading *readings,
                       struct toll_slots *slots, struct toll_verdict *ret)
{
	uint64_t now_ms = 0;
	double best = 0;

	*ret = (struct toll_verdict){ 0 };
	for (uint32_t i = 0; i < slots->count; i++)
		slots->at[i].changed = slots->at[i].gone = false;
	for (uint32_t i = 0; i < matching_count; i++) {
		const struct toll_rule *rule = &r->at[matching[i]];
		const struct toll_reading *reading = &readings[rule->window];
		struct toll_slot *s = slot_of(slots, rule, false);

		if (reading->asof_ms > now_ms)
			now_ms = reading->asof_ms;
		if (rule->mode == TOLL_MODE_OFF) {
			if (s)
				s->gone = ret->evaluated = true;
			continue;
		}
		if (step(r, rule, reading, slots))
			ret->evaluated = true;
		show(rule, reading, slots, &best, ret);
	}
	sum_up(r, now_ms, slots, ret);
}

void toll_slots_drop_gone(struct toll_slots *slots)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < slots->count; i++)
		if (!slots->at[i].gone)
			slots->at[kept++] = slots->at[i];
	slots->count = kept;
}

bool toll_rules_due(const struct toll_rules *r, const uint16_t *matching, uint32_t matching_count,
                    const struct toll_slots *slots, uint64_t now_ms)
{
	int64_t window = (int64_t)(now_ms / r->evaluation_ms);

	for (uint32_t i = 0; i < matching_count; i++) {
		const struct toll_rule *rule = &r->at[matching[i]];
		const struct toll_slot *s = NULL;

		for (uint32_t j = 0; j < slots->count; j++)
			if (strcmp(slots->at[j].id, rule->id) == 0)
				s = &slots->at[j];
		if (rule->mode == TOLL_MODE_OFF ? s != NULL : !s || s->state.window != window)
			return true;
	}
	return false;
}

void toll_verdict_amounts(const struct toll_verdict *v, char buf[TOLL_VERDICT_TEXT])
{
	char spent[TOLL_MONEY_TEXT], limit[TOLL_MONEY_TEXT];

	toll_money_print_usd(v->rule_nano * 1000, spent);
	if (v->rule->limit_pico % TOLL_PICO_PER_USD == 0)
		snprintf(limit, sizeof(limit), "$%" PRId64,
		         v->rule->limit_pico / TOLL_PICO_PER_USD);
	else
		toll_money_print_usd(v->rule->limit_pico, limit);
	snprintf(buf, TOLL_VERDICT_TEXT, "%s/%s", spent, limit);
}
