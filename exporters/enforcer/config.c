/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "budget/rules.h"
#include "exporters/enforcer/clock.h"
#include "exporters/enforcer/notify/notify_settings.h"

static const char *const stores[] = { "redis", "memory", NULL };

static const struct toll_field throttle_fields[] = {
	TOLL_FIELD(struct toll_throttle_config, ttl, DURATION, "1h",
	           "Life of a flag that nobody renews: a dead daemon throttles nobody."),
	TOLL_FIELD(struct toll_throttle_config, max_throttled_fraction, RATIO, "0.2",
	           "At most this share of the services with spend is throttled at once, at least "
	           "one; 1: no cap. A wrong price must not black out everything.",
	           .min = 0, .max = 1000),
	TOLL_FIELD(
		struct toll_throttle_config, graded, BOOL, "false",
		"Tell readers that can shed a share of requests how much fits (limit / average); "
		"the flag in Redis stays on or off."),
	TOLL_FIELD(struct toll_throttle_config, min_allowed, RATIO, "0",
	           "Of a graded answer: at least this share passes.", .min = 0, .max = 1000),
	TOLL_FIELD(
		struct toll_throttle_config, kill, BOOL, "false",
		"The kill switch: no flag is set anywhere, all daemons on the same Redis follow; "
		"what would be throttled is told."),
	TOLL_FIELD_END,
};

const struct toll_field toll_enforcer_fields[] = {
	TOLL_FIELD(struct toll_enforcer_config, store, ENUM, "redis",
	           "redis: shared by all daemons; memory: this process alone, empty at start.",
	           .choices = stores),
	TOLL_FIELD(struct toll_enforcer_config, redis, GROUP, NULL, "Where Redis is.",
	           .group = toll_redis_fields),
	TOLL_FIELD(struct toll_enforcer_config, flush_interval, DURATION, "1s",
	           "How often changed totals are published; stretches by itself under load."),
	TOLL_FIELD(struct toll_enforcer_config, bucket, DURATION, NULL,
	           "Granularity of the rolling windows; default window/96, at least 1s. All "
	           "daemons on "
	           "one Redis must agree."),
	TOLL_FIELD(struct toll_enforcer_config, evaluation_window, DURATION, "60s",
	           "One decision per subject and this much time."),
	TOLL_FIELD(struct toll_enforcer_config, max_services, INT, "2000",
	           "Names kept apart, of services and of each other kind of subject; the spend of "
	           "others goes to __overflow__.",
	           .min = 1, .max = 100000),
	TOLL_FIELD(struct toll_enforcer_config, key, LIST, "[service.name]",
	           "Resource attributes that name the service; several are joined by '/'."),
	TOLL_FIELD(struct toll_enforcer_config, dimensions, GROUPS, NULL,
	           "Dimensions besides the built-in ones, or instead of them.",
	           .group = toll_dimension_fields,
	           .group_size = sizeof(struct toll_dimension_config)),
	TOLL_FIELD(struct toll_enforcer_config, budgets, GROUPS, NULL,
	           "Every matching budget is evaluated; default: 500 USD per service and 24h.",
	           .group = toll_budget_fields, .group_size = sizeof(struct toll_budget_config)),
	TOLL_FIELD(struct toll_enforcer_config, ema, GROUP, NULL, "The moving average.",
	           .group = toll_ema_fields),
	TOLL_FIELD(struct toll_enforcer_config, throttle, GROUP, NULL, "The flag.",
	           .group = throttle_fields),
	TOLL_FIELD(struct toll_enforcer_config, webhooks, GROUPS, NULL,
	           "Who is told by HTTP what happens to flags.", .group = toll_webhook_fields,
	           .group_size = sizeof(struct toll_webhook_config)),
	TOLL_FIELD(struct toll_enforcer_config, test_clock, STRING, "",
	           "Tests only: a file of 8 bytes, milliseconds since 1970, little endian, that is "
	           "this enforcer's wall clock."),
	TOLL_FIELD(struct toll_enforcer_config, audit, GROUP, NULL,
	           "The local audit log of every change of a flag.", .group = toll_audit_fields),
	TOLL_EXPORTER_FIELDS(struct toll_enforcer_config, "true"),
	TOLL_FIELD_END,
};

struct toll_budget_settings toll_enforcer_budget_settings(const struct toll_enforcer_config *conf)
{
	return (struct toll_budget_settings){ .flush_interval = conf->flush_interval,
		                              .bucket = conf->bucket,
		                              .evaluation_window = conf->evaluation_window,
		                              .ttl = conf->throttle.ttl,
		                              .ema = conf->ema,
		                              .key = conf->key,
		                              .dimensions = conf->dimensions,
		                              .budgets = conf->budgets };
}

static void validate_test_clock(struct toll_slice path, struct toll_reporter *r)
{
	struct toll_test_clock *clock;
	struct toll_error error;

	if (!path.len)
		return;
	if (toll_test_clock_open(path, &clock, &error) < 0) {
		toll_report_error(r, "test_clock", "%s", error.text);
		return;
	}
	toll_test_clock_close(clock);
	toll_report_warning(r, "test_clock",
	                    "TIME IS NOT REAL: windows, averages and flags go by this file, not by "
	                    "the clock. For tests only");
}

void toll_enforcer_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_enforcer_config *conf = config;
	struct toll_budget_settings budgets = toll_enforcer_budget_settings(conf);
	struct toll_error error = { 0 };
	char at[TOLL_SETTING_MAX];
	struct toll_rules *rules;

	toll_exporter_settings_check(&conf->common, r);
	toll_webhooks_validate(&conf->webhooks, r);
	if (conf->store == TOLL_STORE_REDIS)
		toll_redis_validate(&conf->redis, r);
	if (conf->flush_interval < 10 * TOLL_MS)
		toll_report_error(r, "flush_interval", "must be at least 10ms");
	if (conf->evaluation_window < TOLL_S || conf->evaluation_window % TOLL_MS)
		toll_report_error(r, "evaluation_window",
		                  "must be at least 1s, in whole milliseconds");
	if (conf->throttle.ttl < TOLL_S || conf->throttle.ttl % TOLL_S)
		toll_report_error(r, "throttle::ttl", "must be whole seconds, at least 1s");
	else if (conf->throttle.ttl <= conf->evaluation_window)
		toll_report_error(r, "throttle::ttl",
		                  "must be longer than evaluation_window: a flag is "
		                  "renewed once per window");
	validate_test_clock(conf->test_clock, r);
	rules = malloc(sizeof(*rules));
	if (rules && toll_rules_build(rules, &budgets, at, &error) < 0)
		toll_report_error(r, at, "%s", error.text);
	else if (rules)
		toll_rules_release(rules);
	free(rules);
}
