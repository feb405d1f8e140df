/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "cost/name.h"

#define SETTLE_MS     UINT64_C(10000)
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

static int add_rule(struct toll_rules *r, const struct toll_budget_settings *set,
                    const struct toll_budget_config *b, struct toll_error *reterr)
{
	struct toll_rule *rule = &r->at[r->count];

	*rule = (struct toll_rule){ .glob = b->match.service,
		                    .limit_pico = b->limit,
		                    .mode = (enum toll_budget_mode)b->mode };
	rule->window = window_index(r, b->window, set->bucket);
	if (rule->window == TOLL_WINDOWS_MAX)
		return toll_fail(
			reterr, TOLL_ECONFIG,
			"budget %u: a window is whole seconds, a bucket 1s or more and cuts it "
			"into at most %u; and there are at most %d different windows",
			r->count + 1, TOLL_WINDOW_BUCKETS_MAX, TOLL_WINDOWS_MAX - 1);
	rule->rule = (struct toll_budget_rule){ .limit_usd = toll_money_to_double(b->limit),
		                                .alpha = set->ema.alpha,
		                                .release = set->ema.release,
		                                .windows = (uint32_t)set->ema.windows };
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

static uint64_t settle_ms(const struct toll_budget_settings *set)
{
	uint64_t settle = set->evaluation_window / TOLL_MS;
	uint64_t rounds = 2 * set->flush_interval / TOLL_MS; /* everyone has published again */

	if (settle > SETTLE_MS)
		settle = SETTLE_MS;
	return settle > rounds ? settle : rounds;
}

int toll_rules_init(struct toll_rules *r, const struct toll_budget_settings *set,
                    struct toll_error *reterr)
{
	const struct toll_budget_config *budgets = set->budgets.at;
	size_t count = set->budgets.count;
	int err = 0;

	memset(r, 0, sizeof(*r));
	r->evaluation_ms = set->evaluation_window / TOLL_MS;
	r->ttl_ms = set->ttl / TOLL_MS;
	r->settle_ms = settle_ms(set);
	add_day(r, set->bucket);
	if (count == 0) {
		budgets = &default_budget;
		count = 1;
	}
	if (count > TOLL_RULES_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "more than %d budgets", TOLL_RULES_MAX);
	for (size_t i = 0; i < count && !err; i++)
		err = add_rule(r, set, &budgets[i], reterr);
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
