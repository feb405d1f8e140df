/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/log_settings.h"

#include "base/log.h"

void toll_log_settings_follow(const struct toll_config_telemetry *t)
{
	enum toll_log_level level;

	if (toll_log_parse_level(t->log_level.ptr, &level))
		toll_log_set_level(level);
	toll_log_set_json(t->log_json);
	toll_log_set_sampling(t->log_sampled ? t->log_tick : 0, (uint64_t)t->log_initial,
	                      (uint64_t)t->log_thereafter);
}
