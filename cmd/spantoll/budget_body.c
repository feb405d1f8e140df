/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/budget_body.h"

#include <stdlib.h>

#include "cmd/spantoll/json_text.h"

void toll_budget_body_open(struct toll_budget_body *b)
{
	*b = (struct toll_budget_body){ 0 };
	b->out = open_memstream(&b->text, &b->len);
	if (b->out)
		fputc('{', b->out);
}

static void put_name(struct toll_budget_body *b, const char *name)
{
	if (b->members++)
		fputc(',', b->out);
	toll_json_print(b->out, name);
	fputc(':', b->out);
}

void toll_budget_body_put(struct toll_budget_body *b, const char *name, const char *value)
{
	if (!b->out)
		return;
	put_name(b, name);
	fputs(value, b->out);
}

void toll_budget_body_text(struct toll_budget_body *b, const char *name, const char *text)
{
	if (!b->out || !text || !*text)
		return;
	put_name(b, name);
	toll_json_print(b->out, text);
}

void toll_budget_body_begin(struct toll_budget_body *b, const char *name)
{
	if (!b->out)
		return;
	put_name(b, name);
	fputc('{', b->out);
	b->members = 0;
}

void toll_budget_body_end(struct toll_budget_body *b)
{
	if (b->out)
		fputc('}', b->out);
	b->members = 1;
}

const char *toll_budget_body_close(struct toll_budget_body *b)
{
	if (!b->out)
		return NULL;
	fputc('}', b->out);
	if (fclose(b->out)) {
		free(b->text);
		b->text = NULL;
	}
	b->out = NULL;
	return b->text;
}
