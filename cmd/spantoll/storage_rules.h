/* SPDX-License-Identifier: Apache-2.0 */
/* storage_rules.h - what must hold between exporters, storages and receivers, so that the journal
 * that a user means is there. */
#ifndef TOLL_CMD_STORAGE_RULES_H
#define TOLL_CMD_STORAGE_RULES_H

#include <stdbool.h>

#include "config/config.h"

/* Does an exporter of it name a storage? */
bool toll_pipeline_has_journal(const struct toll_config_pipeline *p);

/* Adds findings; does not sort them. */
void toll_storage_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
