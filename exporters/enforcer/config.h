/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - what a user may say about the enforcer. */
#ifndef TOLL_ENFORCER_CONFIG_H
#define TOLL_ENFORCER_CONFIG_H

#include "budget/audit_log.h"
#include "budget/settings.h"
#include "exporters/enforcer/store_redis/redis_settings.h"
#include "pipeline/runner.h"

enum toll_enforcer_store { TOLL_STORE_REDIS = 0, TOLL_STORE_MEMORY };

struct toll_throttle_config {
	uint64_t ttl; /* ns */
	double max_throttled_fraction, min_allowed;
	bool graded, kill;
};

struct toll_enforcer_config {
	struct toll_exporter_settings common;
	int store; /* enum toll_enforcer_store */
	struct toll_redis_config redis;
	uint64_t flush_interval, bucket, evaluation_window; /* ns; bucket 0: by the window */
	int64_t max_services;
	struct toll_slice_list key;        /* of services: attributes */
	struct toll_group_list dimensions; /* struct toll_dimension_config */
	struct toll_group_list budgets;    /* struct toll_budget_config */
	struct toll_ema_config ema;
	struct toll_throttle_config throttle;
	struct toll_audit_config audit;
	struct toll_group_list webhooks; /* struct toll_webhook_config */
	struct toll_slice test_clock;    /* path; "": time is real */
};

extern const struct toll_field toll_enforcer_fields[];
struct toll_budget_settings toll_enforcer_budget_settings(const struct toll_enforcer_config *conf);
/* Rules the table cannot say. */
void toll_enforcer_validate(const void *config, struct toll_reporter *r);

#endif
