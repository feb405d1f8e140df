/* SPDX-License-Identifier: Apache-2.0 */
/* log_settings.h - service::telemetry::logs, from here on. */
#ifndef TOLL_CMD_LOG_SETTINGS_H
#define TOLL_CMD_LOG_SETTINGS_H

#include "config/config.h"

/* Main thread, at the start and after a reload. */
void toll_log_settings_follow(const struct toll_config_telemetry *t);

#endif
