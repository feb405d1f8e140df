/* SPDX-License-Identifier: Apache-2.0 */
/* extension_rules.h - settings that name an extension: it has to be there, and to be started. */
#ifndef TOLL_CMD_EXTENSION_RULES_H
#define TOLL_CMD_EXTENSION_RULES_H

#include "config/config.h"

void toll_extension_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
