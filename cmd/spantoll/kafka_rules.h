/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_rules.h - what a receiver brings that was somebody's output before: it is not priced twice,
 * not added to the sums of what was counted elsewhere, and does not run in circles. */
#ifndef TOLL_CMD_KAFKA_RULES_H
#define TOLL_CMD_KAFKA_RULES_H

#include "config/config.h"

void toll_kafka_rules_check(const struct toll_config *config, struct toll_findings *findings);

/* Does everything that pipeline `at` gets come with its amounts? */
bool toll_pipeline_comes_priced(const struct toll_config *config, size_t at);

#endif
