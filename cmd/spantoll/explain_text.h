/* SPDX-License-Identifier: Apache-2.0 */
/* explain_text.h - what prices/explain.h tells of spans, for people. */
#ifndef TOLL_CMD_EXPLAIN_TEXT_H
#define TOLL_CMD_EXPLAIN_TEXT_H

#include <stdio.h>

#include "base/slice.h"

/* json: {"spans": [...]}. Returns the number of spans; negative: it is no such JSON. */
int toll_explain_print(struct toll_slice json, FILE *out);

#endif
