/* SPDX-License-Identifier: Apache-2.0 */
/* redis_settings.h - redis: of the enforcer, and what it means to net/redis. */
#ifndef TOLL_ENFORCER_REDIS_SETTINGS_H
#define TOLL_ENFORCER_REDIS_SETTINGS_H

#include "config/client_tls.h"
#include "net/redis.h"

struct toll_redis_config {
	int mode; /* enum toll_redis_mode */
	struct toll_slice_list endpoints;
	struct toll_slice master_name;
	struct toll_slice username, password;
	struct toll_slice sentinel_username, sentinel_password;
	int64_t db;
	struct toll_client_tls tls;
	uint64_t timeout; /* ns */
};

extern const struct toll_field toll_redis_fields[];

/* Rules the table cannot say. */
void toll_redis_validate(const struct toll_redis_config *redis, struct toll_reporter *r);

/* With our scripts; borrows from config. Without TLS: see below. */
void toll_redis_settings_make(const struct toll_redis_config *config,
                              struct toll_redis_settings *ret);

/* Reads the files that tls: names. *ret: for settings.tls, the caller's to free after the last
 * connection; NULL: plain. TOLL_ECONFIG with a sentence. */
int toll_redis_tls_load(const struct toll_redis_config *config, struct toll_tls_client **ret,
                        struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
