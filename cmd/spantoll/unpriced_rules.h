/* SPDX-License-Identifier: Apache-2.0 */
/* unpriced_rules.h - the price document that would price what has no price, its amounts left open.
 */
#ifndef TOLL_CMD_UNPRICED_RULES_H
#define TOLL_CMD_UNPRICED_RULES_H

#include "cmd/spantoll/unpriced_rows.h"

/* YAML, format spantoll.prices/v1, of the first `most` rows that a rule can price; `usd: "?"`,
 * which no reader takes, is for the user to fill in. Returns how many rows it speaks of. */
unsigned toll_unpriced_print_rules(const struct toll_unpriced_rows *rows, uint32_t most, FILE *out);

#endif
