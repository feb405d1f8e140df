/* SPDX-License-Identifier: Apache-2.0 */
/* redis_settings.h - redis: of the enforcer, and what it means to net/redis. */
#ifndef TOLL_ENFORCER_REDIS_SETTINGS_H
#define TOLL_ENFORCER_REDIS_SETTINGS_H

#include "config/schema.h"
#include "net/redis.h"

struct toll_redis_config {
	struct toll_slice_list endpoints;
	struct toll_slice username, password;
	int64_t db;
	uint64_t timeout; /* ns */
};

extern const struct toll_field toll_redis_fields[];

/* Rules the table cannot say. */
void toll_redis_validate(const struct toll_redis_config *redis, struct toll_reporter *r);

/* With our scripts; borrows from config. */
void toll_redis_settings_make(const struct toll_redis_config *config,
                              struct toll_redis_settings *ret);

#endif
