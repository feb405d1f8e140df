/* SPDX-License-Identifier: Apache-2.0 */
/* storage_rules.h - what must hold between exporters, storages and receivers, so that the journal
 * that a user means is there. */
#ifndef TOLL_CMD_STORAGE_RULES_H
#define TOLL_CMD_STORAGE_RULES_H

#include "config/config.h"

/* Adds findings; does not sort them. */
void toll_storage_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
