/* SPDX-License-Identifier: Apache-2.0 */
/* budget_json.h - what the extension admin answers, as people read it. */
#ifndef TOLL_CMD_BUDGET_JSON_H
#define TOLL_CMD_BUDGET_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cost/money.h"

struct json_object;

/* Texts are the object's. "" and 0 where there is none. */
const char *toll_budget_text(struct json_object *o, const char *name);
bool toll_budget_flag(struct json_object *o, const char *name);
double toll_budget_number(struct json_object *o, const char *name);
uint64_t toll_budget_count(struct json_object *o, const char *name);
/* An exact amount in USD; false: there is none, or it is none. */
bool toll_budget_money(struct json_object *o, const char *name, toll_i128 *ret_pico);
/* "$512.40"; "" when there is none. */
void toll_budget_usd(struct json_object *o, const char *name, char buf[TOLL_MONEY_TEXT]);

/* "40 s", "3 h 10 min", "2 d 4 h". */
void toll_budget_duration(double seconds, char *buf, size_t size);

/* The whole answer on one line. */
void toll_budget_print_json(struct json_object *o);

#endif
