/* SPDX-License-Identifier: Apache-2.0 */
/* enforcer.c - the exporter that accumulates spend per service and throttles who overspends:
 * factory and life. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "exporters/enforcer/alert.h"
#include "exporters/enforcer/api/control.h"
#include "exporters/enforcer/checkpoint/kept_save.h"
#include "exporters/enforcer/clock.h"
#include "exporters/enforcer/metrics.h"
#include "exporters/enforcer/notify/notify.h"
#include "exporters/enforcer/store_memory/memory_store.h"
#include "exporters/enforcer/store_redis/redis_store.h"
#include "exporters/enforcer/totals/fold.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "proto/batch.h"

#define MEMORY_TICK_NS     (100 * TOLL_MS)
#define MEMORY_PATIENCE_NS TOLL_S /* whoever asks something of store memory waits so long */
/* What webhooks have not been told yet has so long at the end, or half of the time that is left. */
#define LAST_WORDS_NS (3 * TOLL_S)

struct enforcer {
	struct toll_exporter super;
	const struct toll_enforcer_config *config;
	struct toll_rules rules; /* as configured; the totals follow them with our turn */
	struct toll_kept *kept;
	struct toll_metrics_source metrics;
	struct toll_spend_source spend;
	struct toll_flag_source flags; /* what is kept answers */
	struct toll_control control;
	struct toll_audit audit;
	struct toll_shown *shown;
	struct toll_memory_store memory;
	struct toll_alert alert;        /* of store memory; the other has its own */
	struct toll_redis_store *redis; /* NULL: store memory */
	struct toll_notifier *notifier; /* NULL: there are no webhooks, or it has not started */
	struct toll_test_clock *clock;  /* NULL: time is real */
	bool exposed;                   /* metrics and the spend service are registered */
	bool abandoned;                 /* the store's thread hangs and still uses all of this */
};

static struct enforcer *enforcer_of(struct toll_component *c)
{
	return toll_container_of(c, struct enforcer, super.super);
}

/* 0: when it was received. Of a record that is the same however often it comes. */
static uint64_t received_ms(const struct enforcer *e, const struct toll_batch *b)
{
	return e->clock && !b->origin.epoch[0] ? toll_test_clock_ms(e->clock) : 0;
}

/* Publishing is state with its own retries, so a folded delivery is done: delivering it again would
 * count it twice. */
static int export_parts(struct toll_exporter *x, struct toll_delivery *d)
{
	struct enforcer *e = enforcer_of(&x->super);

	for (uint32_t i = 0; i < d->part_count; i++) {
		const struct toll_part *part = &d->parts[i];

		toll_fold_part(&e->kept->totals, part, received_ms(e, part->batch));
	}
	toll_delivery_done(d, 0);
	return 0;
}

static void tick(struct toll_exporter *x)
{
	struct enforcer *e = enforcer_of(&x->super);

	if (!toll_kept_take_turn(e->kept, e, &e->rules, (uint32_t)e->config->max_services,
	                         TOLL_STORE_MEMORY))
		return;
	toll_audit_look(&e->audit, toll_clock_mono_ns());
	e->memory.window = e->kept->window;
	toll_memory_store_tick(&e->memory);
	e->kept->window = e->memory.window;
	toll_kept_save_when_due(e->kept, x->super.who, toll_clock_mono_ns());
	toll_alert_judge(&e->alert, &x->super, e->memory.capped, e->audit.broken,
	                 e->kept->save_failed, "");
}

static void each(struct toll_spend_source *source,
                 void (*row)(void *ctx, const struct toll_spend_row *r), void *ctx)
{
	struct enforcer *e = toll_container_of(source, struct enforcer, spend);

	toll_totals_each(&e->kept->totals.source, row, ctx);
}

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct enforcer *e = toll_container_of(source, struct enforcer, metrics);
	const void *shown = NULL;

	if (!atomic_compare_exchange_strong(&e->shown->kept, &shown, e->kept) && shown != e->kept)
		return;
	toll_enforcer_metrics(&e->kept->totals, &e->kept->counters, e->redis != NULL, w);
	toll_flags_metrics(&e->kept->board.source, w);
}

/* ---- life ---- */

static int start_notifier(struct enforcer *e, struct toll_error *reterr)
{
	const struct toll_group_list *hooks = &e->config->webhooks;
	struct toll_error why = { 0 };
	int err = hooks->count ? toll_notifier_new(hooks, e->super.super.who, &e->kept->counters,
	                                           &e->notifier, &why)
	                       : 0;

	if (err)
		return toll_fail(reterr, err, "%s: webhooks: %s", e->super.super.who, why.text);
	e->memory.notifier = e->notifier;
	if (e->redis)
		toll_redis_store_notify(e->redis, e->notifier);
	return 0;
}

static void stop_notifier(struct enforcer *e, uint64_t deadline_mono_ns)
{
	uint64_t now = toll_clock_mono_ns();
	uint64_t left = deadline_mono_ns > now ? (deadline_mono_ns - now) / 2 : 0;

	e->notifier = toll_notifier_free(e->notifier,
	                                 now + (left < LAST_WORDS_NS ? left : LAST_WORDS_NS));
}

static int start(struct toll_component *c, struct toll_error *reterr)
{
	struct enforcer *e = enforcer_of(c);
	int err = start_notifier(e, reterr);

	if (err)
		return err;

	toll_host_metrics_add(c->host, &e->metrics);
	e->exposed = true;
	if (e->clock)
		TOLL_WARN(c->who,
		          "TIME IS NOT REAL: windows, averages and flags go by the file %.*s",
		          TOLL_FMT(e->config->test_clock));
	if (toll_host_publish(c->host, "spend", c->id.text, &e->spend) < 0 ||
	    toll_host_publish(c->host, "flags", c->id.text, &e->flags) < 0 ||
	    toll_host_publish(c->host, "budgets", c->id.text, &e->control.super) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", c->who);
	if (!e->redis) {
		if (!e->kept->begun && !e->kept->checkpoint.generation)
			TOLL_INFO(c->who, "store: memory: sums and averages start empty and are "
			                  "this process's alone");
		toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "");
		return 0;
	}
	return toll_redis_store_start(e->redis, reterr);
}

static void leave_memory(struct enforcer *e)
{
	toll_requests_fail(&e->control.requests, true, TOLL_ESHUTDOWN,
	                   "the enforcer is shutting down");
	toll_audit_close(&e->audit);
	if (toll_kept_has_turn(e->kept, e))
		toll_kept_save(e->kept, e->super.super.who);
	toll_kept_leave_turn(e->kept, e);
}

static void shutdown_enforcer(struct toll_component *c, uint64_t deadline_mono_ns)
{
	struct enforcer *e = enforcer_of(c);

	if (e->redis && !e->abandoned && !toll_redis_store_stop(e->redis, deadline_mono_ns)) {
		e->abandoned = true;
		TOLL_WARN(c->who, "the connection to Redis does not end in time");
	}
	if (!e->redis)
		leave_memory(e);
	if (!e->abandoned)
		stop_notifier(e, deadline_mono_ns);
	if (e->exposed) {
		toll_host_withdraw(c->host, &e->control.super);
		toll_host_withdraw(c->host, &e->flags);
		toll_host_withdraw(c->host, &e->spend);
		toll_host_metrics_remove(c->host, &e->metrics);
	}
	e->exposed = false;
}

static void free_enforcer(struct toll_component *c)
{
	struct enforcer *e = enforcer_of(c);

	if (e->abandoned)
		return; /* the process is ending */
	toll_redis_store_free(e->redis);
	toll_memory_store_release(&e->memory);
	toll_control_release(&e->control);
	toll_audit_close(&e->audit);
	stop_notifier(e, 0); /* of a start that failed */
	toll_host_let_go(c->host, e->kept);
	toll_host_let_go(c->host, e->shown);
	toll_test_clock_close(e->clock);
	toll_rules_release(&e->rules);
	free(e);
}

static const struct toll_component_ops ops = {
	.start = start,
	.shutdown = shutdown_enforcer,
	.free = free_enforcer,
};

/* Two enforcers on one Redis must not take each other's totals for their own. */
static void name_instance(struct toll_kept *k, const struct toll_settings *set)
{
	const char *process = toll_host_instance(set->host);

	if (k->instance[0])
		return;
	if (set->id.name[0])
		snprintf(k->instance, sizeof(k->instance), "%.40s-%016" PRIx64, process,
		         toll_hash(toll_slice_str(set->id.text)));
	else
		snprintf(k->instance, sizeof(k->instance), "%.40s", process);
}

static int open_services(struct enforcer *e, const struct toll_settings *set,
                         struct toll_error *reterr)
{
	bool memory = e->config->store == TOLL_STORE_MEMORY;

	name_instance(e->kept, set);
	if (toll_control_init(&e->control, &e->kept->totals,
	                      memory ? MEMORY_PATIENCE_NS : e->config->redis.timeout) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	e->audit = (struct toll_audit){ .counters = &e->kept->counters, .who = set->who };
	return toll_audit_prepare(&e->audit, &e->config->audit, reterr);
}

static int build(struct enforcer *e, const struct toll_settings *set, struct toll_error *reterr)
{
	struct toll_budget_settings budgets = toll_enforcer_budget_settings(e->config);
	int err = toll_rules_init(&e->rules, &budgets, reterr);

	if (err)
		return err;
	e->shown = toll_host_keep(set->host, "enforcer shown", "", sizeof(*e->shown), NULL);
	e->kept =
		toll_kept_of(set->host, set->id.text, &e->rules, (uint32_t)e->config->max_services);
	if (!e->shown || !e->kept)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	e->kept->shown = e->shown;
	e->spend.each = each;
	toll_flag_source_init(&e->flags);
	e->flags.kept = &e->kept->board.source;
	err = open_services(e, set, reterr);
	if (err)
		return err;
	if (e->config->test_clock.len)
		err = toll_test_clock_open(e->config->test_clock, &e->clock, reterr);
	if (err)
		return err;
	if (e->config->store == TOLL_STORE_MEMORY)
		return 0;
	e->redis = toll_redis_store_new(e->config, &e->super.super, e->kept->instance,
	                                &e->kept->totals, &e->kept->rules, &e->kept->counters);
	if (!e->redis)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_redis_store_share(e->redis, e->kept, &e->rules);
	toll_redis_store_serve(e->redis, &e->control.requests, &e->audit);
	toll_redis_store_go_by(e->redis, e->clock);
	if (set->source)
		toll_redis_store_counts(e->redis, set->source);
	return 0;
}

static uint64_t durable_seq(struct toll_exporter *x, const char *epoch)
{
	return toll_kept_durable_seq(enforcer_of(&x->super)->kept, epoch);
}

/* The first storage there is; a reload goes on with it. */
static int keep_in(struct toll_exporter *x, const char *directory, struct toll_error *reterr)
{
	struct enforcer *e = enforcer_of(&x->super);
	struct toll_budget_settings budgets = toll_enforcer_budget_settings(e->config);
	struct toll_kept_plan plan = { .rules = &e->rules,
		                       .budgets = e->redis ? &budgets : NULL,
		                       .max_services = (uint32_t)e->config->max_services,
		                       .who = x->super.who };
	struct toll_journal_io *io;
	int err;

	if (atomic_load(&e->kept->saves))
		return 0;
	err = toll_kept_directory(directory, x->super.id.text, x->super.who, &io, reterr);
	return err ? err : toll_kept_open(e->kept, io, &plan, reterr);
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct enforcer *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&e->super.super, &ops, set);
	e->config = config;
	e->super.export_parts = export_parts;
	e->super.max_in_flight = 1;
	e->super.accounts = true;
	e->super.durable_seq = durable_seq;
	e->super.keep_in = keep_in;
	e->metrics.collect = collect;
	err = build(e, set, reterr);
	if (err) {
		free_enforcer(&e->super.super);
		return err;
	}
	if (!e->redis) {
		e->memory = (struct toll_memory_store){ .totals = &e->kept->totals,
			                                .rules = &e->kept->rules,
			                                .counters = &e->kept->counters,
			                                .who = set->who,
			                                .window = -1,
			                                .clock = e->clock,
			                                .throttle = &e->config->throttle,
			                                .words = &e->kept->words,
			                                .board = &e->kept->board,
			                                .requests = &e->control.requests,
			                                .audit = &e->audit,
			                                .instance = e->kept->instance };
		e->memory.runtime.conf = toll_enforcer_budget_settings(e->config);
		e->super.tick = tick;
		e->super.tick_ns = e->clock ? TOLL_TEST_CLOCK_POLL_NS : MEMORY_TICK_NS;
	}
	*ret = &e->super.super;
	return 0;
}

static void budgets_of(const void *config, struct toll_budget_settings *ret)
{
	*ret = toll_enforcer_budget_settings(config);
}

static bool shares(const void *config)
{
	return ((const struct toll_enforcer_config *)config)->store == TOLL_STORE_REDIS;
}

const struct toll_factory toll_exporter_enforcer = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_BETA,
	.type = "enforcer",
	.help = "Accumulates spend per service in Redis and sets throttle flags for who is over "
		"budget.",
	.config_size = sizeof(struct toll_enforcer_config),
	.fields = toll_enforcer_fields,
	.exporter_settings = offsetof(struct toll_enforcer_config, common),
	.validate = toll_enforcer_validate,
	.budgets = budgets_of,
	.shares = shares,
	.create = create,
};
