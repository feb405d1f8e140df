/* SPDX-License-Identifier: Apache-2.0 */
/* enforcer.h - rules, totals and Redis answers for tests of exporters/enforcer. */
#ifndef TOLL_TESTS_SUPPORT_ENFORCER_H
#define TOLL_TESTS_SUPPORT_ENFORCER_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "exporters/enforcer/config.h"
#include "exporters/enforcer/totals/totals.h"
#include "net/redis.h"

#define TEST_USD     TOLL_PICO_PER_USD
#define TEST_BUDGETS 8
#define TEST_NOW_MS  UINT64_C(1795000000000)

struct enforcer_rig {
	struct toll_enforcer_config config;
	struct toll_budget_config budgets[TEST_BUDGETS];
	struct toll_pair match[TEST_BUDGETS];
	struct toll_rules rules;
	struct toll_totals totals;
};

static inline void rig_budget(struct enforcer_rig *g, const char *glob, int64_t usd,
                              uint64_t window_s, enum toll_budget_mode mode)
{
	assert(g->config.budgets.count < TEST_BUDGETS);
	g->match[g->config.budgets.count] =
		(struct toll_pair){ TOLL_SLICE("service"), toll_slice_str(glob) };
	g->budgets[g->config.budgets.count] = (struct toll_budget_config){
		.match = { &g->match[g->config.budgets.count], 1 },
		.limit = usd * TEST_USD,
		.window = window_s * TOLL_S,
		.mode = (int)mode,
	};
	g->config.budgets.count++;
}

/* The product's defaults, but an evaluation window of 1 s. */
static inline void rig_init(struct enforcer_rig *g)
{
	memset(g, 0, sizeof(*g));
	g->config.evaluation_window = TOLL_S;
	g->config.flush_interval = 100 * TOLL_MS;
	g->config.throttle.ttl = 3600 * TOLL_S;
	g->config.throttle.max_throttled_fraction = 1;
	g->config.ema = (struct toll_ema_config){ .alpha = 0.1, .release = 0.9, .windows = 3 };
	g->config.max_services = 100;
	g->config.budgets.at = g->budgets;
}

static inline int rig_rules(struct enforcer_rig *g, struct toll_error *reterr)
{
	struct toll_budget_settings budgets = toll_enforcer_budget_settings(&g->config);

	toll_rules_release(&g->rules);
	return toll_rules_init(&g->rules, &budgets, reterr);
}

static inline void rig_release(struct enforcer_rig *g)
{
	toll_totals_release(&g->totals);
	toll_rules_release(&g->rules);
}

/* After the budgets are in. */
static inline void rig_start(struct enforcer_rig *g)
{
	struct toll_error error;
	int err = rig_rules(g, &error);

	assert(!err);
	err = toll_totals_init(&g->totals, &g->rules, (uint32_t)g->config.max_services);
	assert(!err);
}

static inline void rig_spend(struct enforcer_rig *g, const char *service, toll_i128 pico,
                             uint64_t at_ms)
{
	struct toll_run run = { .pico = pico, .spans = 1, .priced = 1 };

	toll_totals_lock(&g->totals);
	toll_totals_fold(&g->totals, toll_slice_str(service), at_ms, &run);
	toll_totals_unlock(&g->totals);
}

static inline bool rig_knows(struct enforcer_rig *g, const char *key)
{
	return toll_table_find(&g->totals.by_key, toll_slice_str(key)) != NULL;
}

static inline struct toll_service *rig_service(struct enforcer_rig *g, const char *key)
{
	uint32_t *at = toll_table_find(&g->totals.by_key, toll_slice_str(key));

	if (!at)
		abort();
	return g->totals.services[*at];
}

/* An array of bulk strings; freed with freeReplyObject(). */
static inline redisReply *rig_reply(const char *const *texts, size_t count)
{
	redisReader *reader = redisReaderCreate();
	char head[64];
	void *reply = NULL;

	assert(reader);
	redisReaderFeed(reader, head, (size_t)snprintf(head, sizeof(head), "*%zu\r\n", count));
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(texts[i]);

		redisReaderFeed(reader, head,
		                (size_t)snprintf(head, sizeof(head), "$%zu\r\n", len));
		redisReaderFeed(reader, texts[i], len);
		redisReaderFeed(reader, "\r\n", 2);
	}
	assert(redisReaderGetReply(reader, &reply) == REDIS_OK && reply);
	redisReaderFree(reader);
	return reply;
}

#endif
