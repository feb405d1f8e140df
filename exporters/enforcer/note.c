/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/note.h"

#include <stdio.h>
#include <string.h>

#include "exporters/enforcer/graded.h"

static void add_budget(const struct toll_rules *rules, const struct toll_verdict *v,
                       struct toll_budget_event *e)
{
	static const char *const modes[] = { "enforce", "shadow", "off" };
	const char *window = rules->windows[v->rule->window].name;

	snprintf(e->mode, sizeof(e->mode), "%s", modes[v->rule->mode]);
	snprintf(e->window, sizeof(e->window), "%s", window);
	e->spent_nano = v->rule_nano;
	e->limit_pico = v->rule->limit_pico;
	e->ema_usd = v->rule_ema;
}

void toll_note_print(const struct toll_decider *d, const struct toll_case *c,
                     char buf[TOLL_EVENT_TEXT])
{
	const struct toll_rules *rules = d->publisher->rules;
	struct toll_budget_event e = { 0 };

	snprintf(e.subject, sizeof(e.subject), "%.*s", TOLL_FMT(c->service->key));
	snprintf(e.reason, sizeof(e.reason), "%s", c->outcome.reason);
	snprintf(e.by, sizeof(e.by), "%s", d->publisher->instance);
	if (c->verdict.rule)
		add_budget(rules, &c->verdict, &e);
	if (c->outcome.throttled) {
		e.retry_after_s = toll_retry_after_s(rules, &c->verdict, c->service->under);
		if (d->graded)
			e.allowed = toll_graded_share(&c->verdict, d->min_allowed);
	}
	toll_event_print_note(&e, buf);
}
