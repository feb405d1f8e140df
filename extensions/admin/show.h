/* SPDX-License-Identifier: Apache-2.0 */
/* show.h - a subject and its budget as JSON. */
#ifndef TOLL_EXTENSIONS_ADMIN_SHOW_H
#define TOLL_EXTENSIONS_ADMIN_SHOW_H

#include <stdio.h>

#include "budget/control.h"

/* "ok", "over", "throttled", "capped", "shadow", "override", "off", "none": in one word how things
 * are, the most telling first. */
const char *toll_admin_state(const struct toll_budget_row *r);
/* An object. Amounts are exact decimals, without exponents. */
void toll_admin_put_row(FILE *out, const struct toll_budget_row *r);
/* A string. */
void toll_admin_put_text(FILE *out, struct toll_slice text);

#endif
