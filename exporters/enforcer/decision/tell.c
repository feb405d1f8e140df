/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/decision/tell.h"

#include <string.h>

#include "base/log.h"

/* ---- words ---- */

struct line {
	enum toll_event_what what;
	enum toll_log_level level;
	const char *reason; /* NULL: any other */
	const char *text;
};

static const struct line lines[] = {
	{ TOLL_EVENT_SET, TOLL_LOG_WARN, "override", "is throttled by an override" },
	{ TOLL_EVENT_SET, TOLL_LOG_WARN, NULL, "exceeded budget" },
	{ TOLL_EVENT_RELEASE, TOLL_LOG_INFO, "override", "is let through by an override" },
	{ TOLL_EVENT_RELEASE, TOLL_LOG_WARN, "kill", "is let through by the kill switch" },
	{ TOLL_EVENT_RELEASE, TOLL_LOG_INFO, NULL, "is back within budget" },
	{ TOLL_EVENT_RESTORE, TOLL_LOG_WARN, NULL, "had lost its flag, set again" },
	{ TOLL_EVENT_CAPPED, TOLL_LOG_WARN, NULL,
	  "exceeded budget but is not throttled (max_throttled_fraction)" },
	{ TOLL_EVENT_SHADOW_SET, TOLL_LOG_WARN, "kill", "would be throttled (kill switch)" },
	{ TOLL_EVENT_SHADOW_SET, TOLL_LOG_WARN, NULL, "would be throttled (shadow)" },
	{ TOLL_EVENT_SHADOW_RELEASE, TOLL_LOG_INFO, NULL, "would be released (shadow)" },
};

static const struct line *line_of(const struct toll_budget_event *e)
{
	for (size_t i = 0; i < TOLL_COUNT(lines); i++)
		if (lines[i].what == e->what &&
		    (!lines[i].reason || strcmp(lines[i].reason, e->reason) == 0))
			return &lines[i];
	return NULL;
}

/* A change is told whatever else is logged: its own site never holds a line back. */
static void write_line(const struct line *line, const char *who, struct toll_slice service,
                       struct toll_slice amounts)
{
	struct toll_log_site site = { 0 };

	toll_log_write(&site, line->level, who, "[COST_ENFORCEMENT] %.*s %s%s%.*s",
	               TOLL_FMT(service), line->text, amounts.len ? ": " : "", TOLL_FMT(amounts));
}

static void count(struct toll_counters *c, enum toll_event_what what, const char *reason)
{
	if (what == TOLL_EVENT_SET)
		toll_counter_add(c, TOLL_COUNTER_FLAGS_SET, 1);
	else if (what == TOLL_EVENT_RELEASE)
		toll_counter_add(c, TOLL_COUNTER_FLAGS_RELEASED, 1);
	else if (what == TOLL_EVENT_RESTORE)
		toll_counter_add(c, TOLL_COUNTER_FLAGS_RESTORED, 1);
	else if (what == TOLL_EVENT_CAPPED)
		toll_counter_add(c, TOLL_COUNTER_FLAGS_CAPPED, 1);
	if (strcmp(reason, "override") == 0)
		toll_counter_add(c, TOLL_COUNTER_OVERRIDES, 1);
}

static void tell(struct toll_counters *c, const char *who, struct toll_slice service,
                 const struct toll_budget_event *e, struct toll_slice amounts)
{
	const struct line *line = line_of(e);

	if (line)
		write_line(line, who, service, amounts);
	count(c, e->what, e->reason);
}

void toll_tell_event(struct toll_counters *c, const char *who, struct toll_slice service,
                     const struct toll_budget_event *e)
{
	char amounts[TOLL_EVENT_AMOUNTS];

	toll_event_amounts(e, amounts);
	tell(c, who, service, e, toll_slice_str(amounts));
}

/* ---- lists of words ---- */

static bool has_word(struct toll_slice list, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= list.len; i++)
		if (memcmp(list.ptr + i, word, len) == 0 && (i == 0 || list.ptr[i - 1] == ',') &&
		    (i + len == list.len || list.ptr[i + len] == ','))
			return true;
	return false;
}

void toll_tell_change(struct toll_counters *c, const char *who, struct toll_slice service,
                      struct toll_slice what, struct toll_slice note)
{
	struct toll_budget_event e = { 0 };
	char amounts[TOLL_EVENT_AMOUNTS];

	if (toll_event_parse(note, &e) == 0) {
		toll_event_amounts(&e, amounts);
		note = toll_slice_str(amounts);
	}
	for (int i = 0; i < TOLL_EVENT_OTHER; i++) {
		e.what = (enum toll_event_what)i;
		if (has_word(what, toll_event_name(e.what)))
			tell(c, who, service, &e, note);
	}
}
