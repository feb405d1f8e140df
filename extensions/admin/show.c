/* SPDX-License-Identifier: Apache-2.0 */
/* show.c - what there is: spend, budgets, kill switch, audit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extensions/admin/admin.h"
#include "extensions/admin/show.h"
#include "extensions/admin/store.h"

/* A JSON list that becomes the body. */
struct list {
	FILE *out;
	unsigned rows;
};

static bool open_list(struct toll_admin_request *q, struct list *l, const char *name)
{
	l->rows = 0;
	l->out = open_memstream(&q->out.body, &q->out.len);
	if (!l->out) {
		toll_admin_fail(q, TOLL_ENOMEM, "out of memory");
		return false;
	}
	fprintf(l->out, "{\"%s\":[", name);
	return true;
}

static FILE *next_row(struct list *l)
{
	fputs(l->rows++ ? ",\n" : "\n", l->out);
	return l->out;
}

static void close_list(struct toll_admin_request *q, struct list *l, int err, const char *why)
{
	bool whole;

	fputs("]}\n", l->out);
	whole = !ferror(l->out);
	whole &= fclose(l->out) == 0;
	if (err || !whole) {
		toll_admin_fail(q, err ? err : TOLL_ENOMEM, err ? why : "out of memory");
		return;
	}
	q->out.content_type = "application/json";
	toll_admin_count(q->admin, TOLL_ADMIN_DONE);
}

/* ---- spend ---- */

static void add_row(void *ctx, const struct toll_budget_row *r)
{
	toll_admin_put_row(next_row(ctx), r);
}

void toll_admin_answer_spend(struct toll_admin_request *q)
{
	struct toll_budget_control *c = toll_admin_hold(q);
	struct list l;
	int err;

	if (c && open_list(q, &l, "rows")) {
		err = c->list(c, add_row, &l);
		close_list(q, &l, err, "the enforcer has no list now");
	}
	toll_admin_drop(q, c);
}

/* ---- budgets ---- */

static void add_budget(void *ctx, struct toll_slice name, struct toll_slice json,
                       const char *source)
{
	FILE *out = next_row(ctx);

	fputs("{\"name\":", out);
	toll_admin_put_text(out, name);
	fprintf(out, ",\"source\":\"%s\",\"budget\":%.*s}", source, TOLL_FMT(json));
}

void toll_admin_answer_budgets(struct toll_admin_request *q)
{
	struct toll_budget_control *c = toll_admin_hold(q);
	struct toll_error why;
	struct list l;
	int err;

	if (c && open_list(q, &l, "budgets")) {
		err = c->budgets(c, add_budget, &l, &why);
		close_list(q, &l, err, why.text);
	}
	toll_admin_drop(q, c);
}

/* ---- audit ---- */

static void add_event(void *ctx, struct toll_slice json)
{
	fprintf(next_row(ctx), "%.*s", TOLL_FMT(json));
}

static bool read_limit(struct toll_admin_request *q, uint32_t *ret)
{
	const char *text = toll_http_query(q->in, "limit");
	unsigned long n;
	char *end;

	*ret = 100;
	if (!text)
		return true;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n < 1 || n > 1000) {
		toll_admin_refuse(q, 400, "limit must be 1 to 1000: %.32s", text);
		return false;
	}
	*ret = (uint32_t)n;
	return true;
}

void toll_admin_answer_audit(struct toll_admin_request *q)
{
	const char *subject = toll_http_query(q->in, "subject");
	struct toll_budget_control *c;
	struct toll_error why;
	struct list l;
	uint32_t limit;
	int err;

	if (!read_limit(q, &limit))
		return;
	c = toll_admin_hold(q);
	if (c && open_list(q, &l, "events")) {
		err = c->audit(c, toll_slice_str(subject ? subject : ""), limit, add_event, &l,
		               &why);
		close_list(q, &l, err, why.text);
	}
	toll_admin_drop(q, c);
}

/* ---- kill ---- */

void toll_admin_answer_kill(struct toll_admin_request *q)
{
	struct toll_budget_control *c = toll_admin_hold(q);
	struct toll_error why;
	char by[256];
	bool on;
	int err;

	if (!c)
		return;
	err = c->is_killed(c, &on, by, &why);
	if (err)
		toll_admin_fail(q, err, why.text);
	else
		toll_admin_say_kill(q, on, by);
	toll_admin_drop(q, c);
}
