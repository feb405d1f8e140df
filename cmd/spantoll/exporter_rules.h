/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_rules.h - settings that name an exporter: a pipeline has to use it. */
#ifndef TOLL_CMD_EXPORTER_RULES_H
#define TOLL_CMD_EXPORTER_RULES_H

#include "config/config.h"

void toll_exporter_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
