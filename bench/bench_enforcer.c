/* SPDX-License-Identifier: Apache-2.0 */
/* What folding a sealed batch into the totals costs per span. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/bench.h"
#include "exporters/enforcer/totals/fold.h"
#include "proto/batch.h"
#include "tests/support/shop.h"

#define SERVICES 20
#define PER_RUN  25
#define SPANS    (SERVICES * PER_RUN)
#define NOW_MS   UINT64_C(1795000000000)

static struct toll_resource resources[SERVICES];
static struct toll_span spans[SPANS];
static char names[SERVICES][24];

static void fill(void)
{
	for (uint32_t i = 0; i < SERVICES; i++) {
		int len = snprintf(names[i], sizeof(names[i]), "service-number-%u", i);

		resources[i].service = toll_slice(names[i], (size_t)len);
	}
	for (uint32_t i = 0; i < SPANS; i++)
		spans[i] = (struct toll_span){ .resource = i / PER_RUN,
			                       .cost_state = TOLL_COST_PRICED,
			                       .cost_pico = 1234567 + i,
			                       .adjusted_count = 1 };
}

struct fold {
	struct toll_totals totals;
	struct toll_part part;
};

static void fold(void *ctx)
{
	struct fold *f = ctx;

	toll_fold_part(&f->totals, &f->part, NOW_MS);
}

#define TENANT                   \
	{                        \
		{ "tenant", 6 }, \
		{                \
			"*", 1   \
		}                \
	}
#define SERVICE                   \
	{                         \
		{ "service", 7 }, \
		{                 \
			"*", 1    \
		}                 \
	}
#define AGENT                   \
	{                       \
		{ "agent", 5 }, \
		{               \
			"*", 1  \
		}               \
	}

/* Budgets that go by attributes of spans: decoded spans with 12 attributes. */
static void run_by_span(const char *name, const struct toll_pair *match, size_t count)
{
	static const struct toll_slice attribute = { "user_agent.original", 19 };
	const struct toll_dimension_config agent = { TOLL_SLICE("agent"), { &attribute, 1 } };
	const struct toll_budget_config budget = { .match = { match, count }, .limit = 1 };
	const struct toll_budget_settings settings = { .evaluation_window = 60 * TOLL_S,
		                                       .flush_interval = TOLL_S,
		                                       .ttl = 3600 * TOLL_S,
		                                       .ema = { 0.1, 0.9, 3 },
		                                       .dimensions = { &agent, 1 },
		                                       .budgets = { &budget, 1 } };
	struct toll_batch *b = batch_of_request(shop_request(SPANS));
	static struct toll_rules rules;
	static struct fold f;
	struct toll_error error;

	for (uint32_t i = 0; i < b->span_count; i++) {
		b->spans[i].cost_state = TOLL_COST_PRICED;
		b->spans[i].cost_pico = 1234567 + i;
		b->spans[i].adjusted_count = 1;
	}
	toll_batch_seal(b);
	if (toll_rules_init(&rules, &settings, &error) < 0 ||
	    toll_totals_init(&f.totals, &rules, 2000) < 0)
		exit(1);
	f.part = (struct toll_part){ b, 0, b->span_count };
	bench_run(name, fold, &f, b->span_count);
	toll_totals_release(&f.totals);
	toll_rules_release(&rules);
	toll_batch_unref(b);
}

int main(void)
{
	struct toll_budget_config budgets[] = {
		{ .limit = 500 * TOLL_PICO_PER_USD, .mode = TOLL_MODE_ENFORCE },
		{ .limit = 50 * TOLL_PICO_PER_USD,
		  .window = 3600 * TOLL_S,
		  .mode = TOLL_MODE_SHADOW },
	};
	struct toll_budget_settings settings = { .evaluation_window = 60 * TOLL_S,
		                                 .flush_interval = TOLL_S,
		                                 .ttl = 3600 * TOLL_S,
		                                 .ema = { 0.1, 0.9, 3 },
		                                 .budgets = { budgets, TOLL_COUNT(budgets) } };
	struct toll_batch batch = { .resources = resources,
		                    .spans = spans,
		                    .resource_count = SERVICES,
		                    .span_count = SPANS,
		                    .received_wall_ms = NOW_MS };
	static struct toll_rules rules;
	static struct fold f;
	struct toll_error error;

	fill();
	if (toll_rules_init(&rules, &settings, &error) < 0 ||
	    toll_totals_init(&f.totals, &rules, 2000) < 0)
		return 1;
	f.part = (struct toll_part){ &batch, 0, SPANS };
	bench_run("enforcer_fold_two_windows", fold, &f, SPANS);
	toll_totals_release(&f.totals);
	toll_rules_release(&rules);
	run_by_span("enforcer_fold_by_tenant", (const struct toll_pair[]){ TENANT }, 1);
	run_by_span("enforcer_fold_by_tenant_and_service",
	            (const struct toll_pair[]){ TENANT, SERVICE }, 2);
	run_by_span("enforcer_fold_by_any_attribute", (const struct toll_pair[]){ AGENT }, 1);
	return 0;
}
