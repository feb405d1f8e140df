/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline_rules.h - what must or should hold between the components of a pipeline. */
#ifndef TOLL_CMD_PIPELINE_RULES_H
#define TOLL_CMD_PIPELINE_RULES_H

#include "config/config.h"

/* Adds findings; does not sort them. */
void toll_pipeline_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
