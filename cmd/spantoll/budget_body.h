/* SPDX-License-Identifier: Apache-2.0 */
/* budget_body.h - a JSON object that asks for a change. */
#ifndef TOLL_CMD_BUDGET_BODY_H
#define TOLL_CMD_BUDGET_BODY_H

#include <stddef.h>
#include <stdio.h>

struct toll_budget_body {
	FILE *out; /* NULL: out of memory */
	char *text;
	size_t len;
	unsigned members;
};

void toll_budget_body_open(struct toll_budget_body *b);
/* A member; value: JSON. */
void toll_budget_body_put(struct toll_budget_body *b, const char *name, const char *value);
/* The same for a text; NULL and "" are left out. */
void toll_budget_body_text(struct toll_budget_body *b, const char *name, const char *text);
/* An inner object begins, and ends. */
void toll_budget_body_begin(struct toll_budget_body *b, const char *name);
void toll_budget_body_end(struct toll_budget_body *b);
/* b->text, the caller's to free; NULL: out of memory. */
const char *toll_budget_body_close(struct toll_budget_body *b);

#endif
