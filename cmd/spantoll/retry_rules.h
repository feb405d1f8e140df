/* SPDX-License-Identifier: Apache-2.0 */
/* retry_rules.h - exporters that give up what a journal keeps. */
#ifndef TOLL_CMD_RETRY_RULES_H
#define TOLL_CMD_RETRY_RULES_H

#include "config/config.h"

/* Adds findings; does not sort them. */
void toll_retry_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
