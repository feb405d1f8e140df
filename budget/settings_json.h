/* SPDX-License-Identifier: Apache-2.0 */
/* settings_json.h - a budget as JSON, in the words of its configuration. */
#ifndef TOLL_BUDGET_SETTINGS_JSON_H
#define TOLL_BUDGET_SETTINGS_JSON_H

#include "budget/settings.h"

/* As budget/overlay.h reads it. Returns the length; 0: buf is too small. */
size_t toll_budget_config_print(const struct toll_budget_config *b, char *buf, size_t size);

#endif
