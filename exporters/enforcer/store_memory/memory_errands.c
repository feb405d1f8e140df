/* SPDX-License-Identifier: Apache-2.0 */
/* memory_errands.c - what people ask (requests.h), done in this process. */
#include <stdio.h>
#include <string.h>

#include "exporters/enforcer/notify/notify.h"
#include "exporters/enforcer/store_memory/memory_store.h"

static void describe(const struct toll_memory_store *m, const struct toll_request *q,
                     enum toll_event_what what, uint64_t now_ms, struct toll_budget_event *ret)
{
	*ret = (struct toll_budget_event){ .time_ms = now_ms, .what = what };
	snprintf(ret->by, sizeof(ret->by), "%s", m->instance);
	snprintf(ret->who, sizeof(ret->who), "%s", q->who);
	snprintf(ret->why, sizeof(ret->why), "%s", q->why);
}

/* What stops traffic is never done without a record. */
static int record(struct toll_memory_store *m, struct toll_request *q,
                  const struct toll_budget_event *e, bool stops)
{
	char text[TOLL_EVENT_TEXT];
	struct toll_slice line = toll_slice(text, toll_event_print(e, text));

	if (toll_audit_write(m->audit, line) < 0 && stops)
		return toll_fail(
			&q->error, TOLL_EREFUSED,
			"the audit log cannot be written: nothing is throttled without it");
	toll_memory_words_record(m->words, line);
	toll_notifier_put(m->notifier, e);
	return 0;
}

static int override(struct toll_memory_store *m, struct toll_request *q, uint64_t now_ms)
{
	struct toll_service *s = toll_totals_meet(m->totals, toll_slice_str(q->subject));
	bool none = q->override == TOLL_OVERRIDE_NONE;
	struct toll_budget_event e;
	int err;

	if (!s)
		return toll_request_refuse_subject(q, &m->rules->subjects);
	describe(m, q, TOLL_EVENT_OVERRIDE, now_ms, &e);
	snprintf(e.subject, sizeof(e.subject), "%s", q->subject);
	snprintf(e.reason, sizeof(e.reason), "%s",
	         none ? "clear" : toll_override_name(q->override));
	e.until_ms = none ? 0 : now_ms + q->ttl_s * 1000;
	err = record(m, q, &e, q->override == TOLL_OVERRIDE_DENY);
	if (err)
		return err;
	s->unsaved = m->totals->unsaved = true;
	s->override = q->override;
	s->override_until_ms = e.until_ms;
	s->until_ms = 0; /* the flag's end is found anew */
	return 0;
}

static int kill_all(struct toll_memory_store *m, struct toll_request *q, uint64_t now_ms)
{
	struct toll_budget_event e;

	if (!q->on && m->throttle->kill)
		return toll_fail(&q->error, TOLL_EREFUSED,
		                 "the configuration says throttle::kill: change it there");
	describe(m, q, q->on ? TOLL_EVENT_KILL : TOLL_EVENT_UNKILL, now_ms, &e);
	m->totals->unsaved = true;
	m->words->killed = q->on;
	snprintf(m->words->killer, sizeof(m->words->killer), "%.60s%s%.180s", q->who,
	         q->who[0] && q->why[0] ? ": " : "", q->why);
	return record(m, q, &e, false);
}

static int is_killed(struct toll_memory_store *m, struct toll_request *q)
{
	q->on = m->words->killed || m->throttle->kill;
	snprintf(q->value, sizeof(q->value), "%s",
	         m->words->killed ? m->words->killer
	         : q->on          ? "configuration"
	                          : "");
	return 0;
}

static bool is_about(const char *line, const char *subject)
{
	struct toll_budget_event e;

	return !subject[0] ||
	       (toll_event_parse(toll_slice_str(line), &e) == 0 && strcmp(e.subject, subject) == 0);
}

static int read_audit(struct toll_memory_store *m, struct toll_request *q)
{
	uint32_t first = m->words->count, found = 0;

	while (first > 0 && found < q->limit)
		found += is_about(toll_memory_words_at(m->words, --first), q->subject);
	for (uint32_t i = first; i < m->words->count; i++) {
		const char *line = toll_memory_words_at(m->words, i);

		if (is_about(line, q->subject) &&
		    toll_answer_add(&q->lines, toll_slice_str(line)) < 0)
			return toll_fail(&q->error, TOLL_ENOMEM, "out of memory");
	}
	return 0;
}

static int run(struct toll_memory_store *m, struct toll_request *q, uint64_t now_ms)
{
	switch (q->op) {
	case TOLL_REQUEST_OVERRIDE:
		return override(m, q, now_ms);
	case TOLL_REQUEST_KILL:
		return kill_all(m, q, now_ms);
	case TOLL_REQUEST_IS_KILLED:
		return is_killed(m, q);
	case TOLL_REQUEST_AUDIT:
		return read_audit(m, q);
	case TOLL_REQUEST_BUDGETS:
		return toll_runtime_list(&m->runtime, q);
	case TOLL_REQUEST_SET_BUDGET:
		break;
	}
	return toll_fail(&q->error, TOLL_EREFUSED,
	                 "with store: memory budgets are changed in the configuration");
}

bool toll_memory_errand(struct toll_memory_store *m, struct toll_request *q, uint64_t now_ms)
{
	q->err = run(m, q, now_ms);
	return !q->err && (q->op == TOLL_REQUEST_OVERRIDE || q->op == TOLL_REQUEST_KILL);
}
