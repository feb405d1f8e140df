/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/notify/notify_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cost/name.h"
#include "proto/json_write.h"

/* ---- sentences ---- */

struct phrase {
	enum toll_event_what what;
	const char *reason; /* NULL: any other */
	const char *emoji;
	const char *text; /* after the subject */
};

static const struct phrase phrases[] = {
	{ TOLL_EVENT_SET, "override", ":no_entry:", "is throttled by an override" },
	{ TOLL_EVENT_SET, "fast_trip",
	  ":no_entry:", "spends far too fast for its budget and is throttled" },
	{ TOLL_EVENT_SET, NULL, ":no_entry:", "exceeded its budget and is throttled" },
	{ TOLL_EVENT_RESTORE, NULL, ":no_entry:", "had lost its throttle flag; it is set again" },
	{ TOLL_EVENT_RELEASE, "override", ":white_check_mark:", "is let through by an override" },
	{ TOLL_EVENT_RELEASE, "kill", ":white_check_mark:", "is let through by the kill switch" },
	{ TOLL_EVENT_RELEASE, NULL, ":white_check_mark:", "is back within its budget" },
	{ TOLL_EVENT_CAPPED, NULL, ":warning:",
	  "exceeded its budget but is not throttled: too many are (max_throttled_fraction)" },
	{ TOLL_EVENT_SHADOW_SET, NULL,
	  ":eyes:", "exceeded its budget; mode shadow: not throttled" },
	{ TOLL_EVENT_SHADOW_RELEASE, NULL, ":eyes:", "is back within its budget (mode shadow)" },
	{ TOLL_EVENT_OVERRIDE, "allow", ":wrench:", "is let through, whatever its budget says" },
	{ TOLL_EVENT_OVERRIDE, "deny", ":wrench:", "is throttled, whatever its budget says" },
	{ TOLL_EVENT_OVERRIDE, NULL, ":wrench:", "has no override any more" },
	{ TOLL_EVENT_KILL, NULL, ":octagonal_sign:", "The kill switch is on: nobody is throttled" },
	{ TOLL_EVENT_UNKILL, NULL,
	  ":arrow_forward:", "The kill switch is off: budgets throttle again" },
	{ TOLL_EVENT_BUDGET, NULL, ":wrench:", "A budget was changed" },
};

static const struct phrase *phrase_of(const struct toll_budget_event *e)
{
	static const struct phrase unknown = { TOLL_EVENT_OTHER, NULL,
		                               ":information_source:", "has news" };

	for (size_t i = 0; i < TOLL_COUNT(phrases); i++)
		if (phrases[i].what == e->what &&
		    (!phrases[i].reason || strcmp(phrases[i].reason, e->reason) == 0))
			return &phrases[i];
	return &unknown;
}

struct text {
	char *at;
	size_t size, len;
};

static void add(struct text *t, const char *fmt, ...) TOLL_PRINTF(2, 3);
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	t->len += n < 0 ? 0 : (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

/* Keys are encoded; people know names. */
static void add_subject(struct text *t, const struct toll_budget_event *e, const char *mark)
{
	struct toll_slice key = toll_slice_str(e->subject);
	char name[TOLL_NAME_MAX];

	if (key.len <= TOLL_NAME_MAX)
		key = toll_slice(name, toll_name_decode(key, name));
	add(t, "%s%.*s%s ", mark, TOLL_FMT(key), mark);
}

static void add_who(struct text *t, const struct toll_budget_event *e)
{
	if (e->who[0])
		add(t, " (%s)", e->who);
	if (e->why[0])
		add(t, ": %s", e->why);
}

/* mark: put around the subject. */
static void add_sentence(struct text *t, const struct toll_budget_event *e, const char *mark)
{
	char amounts[TOLL_EVENT_AMOUNTS];

	if (e->subject[0])
		add_subject(t, e, mark);
	add(t, "%s", phrase_of(e)->text);
	if (e->what == TOLL_EVENT_BUDGET && e->budget[0])
		add(t, ": %s", e->budget);
	toll_event_amounts(e, amounts);
	if (amounts[0])
		add(t, ": %s in %s", amounts, e->window);
	add_who(t, e);
}

void toll_notify_sentence(const struct toll_budget_event *e, char buf[TOLL_NOTIFY_SENTENCE])
{
	struct text t = { buf, TOLL_NOTIFY_SENTENCE, 0 };

	buf[0] = '\0';
	add_sentence(&t, e, "");
}

/* What else is known, in a line of small print. */
static void add_details(struct text *t, const struct toll_budget_event *e, uint64_t passed_over)
{
	char time[32];

	add(t, "%s", toll_clock_rfc3339(e->time_ms * TOLL_MS, 0, time, sizeof(time)));
	if (e->budget[0] && e->what != TOLL_EVENT_BUDGET)
		add(t, " | budget %s", e->budget);
	if (e->window[0])
		add(t, " | average $%.2f", e->ema_usd);
	if (e->until_ms)
		add(t, " | until %s",
		    toll_clock_rfc3339(e->until_ms * TOLL_MS, 0, time, sizeof(time)));
	if (passed_over)
		add(t, " | %" PRIu64 " change%s since the last message not told one by one",
		    passed_over, TOLL_PLURAL(passed_over));
	if (e->by[0])
		add(t, " | daemon %s", e->by);
}

/* ---- bodies ---- */

/* & < > as Slack wants them, no line of its own, and nobody called by @ (Mattermost): a zero-width
 * space parts the sign from the name. out has room for 5 times the text. */
static struct toll_slice escape(const char *text, char *out)
{
	char *at = out;

	for (; *text; text++)
		if (*text == '&')
			at = toll_json_raw(at, TOLL_SLICE("&amp;"));
		else if (*text == '<')
			at = toll_json_raw(at, TOLL_SLICE("&lt;"));
		else if (*text == '>')
			at = toll_json_raw(at, TOLL_SLICE("&gt;"));
		else if (*text == '@')
			at = toll_json_raw(at, TOLL_SLICE("@\xe2\x80\x8b"));
		else
			*at++ = (unsigned char)*text < ' ' ? ' ' : *text;
	return toll_slice(out, (size_t)(at - out));
}

enum { SENTENCE_MAX = TOLL_NOTIFY_SENTENCE + 64, DETAILS_MAX = 512 };

#define SLACK_BODY (2 * 6 * 5 * SENTENCE_MAX + 6 * 5 * DETAILS_MAX + 512)

static char *slack_body(const struct toll_budget_event *e, uint64_t passed_over, size_t *ret_len)
{
	char sentence[SENTENCE_MAX] = "", details[DETAILS_MAX] = "";
	char escaped[5 * SENTENCE_MAX];
	struct text t = { sentence, sizeof(sentence), 0 }, d = { details, sizeof(details), 0 };
	char *body = malloc(SLACK_BODY), *out = body;
	struct toll_slice text;

	if (!body)
		return NULL;
	add(&t, "%s ", phrase_of(e)->emoji);
	add_sentence(&t, e, "*");
	add_details(&d, e, passed_over);
	text = escape(sentence, escaped);
	out = toll_json_string(toll_json_raw(out, TOLL_SLICE("{\"text\":")), text);
	out = toll_json_raw(out, TOLL_SLICE(",\"blocks\":[{\"type\":\"section\",\"text\":{\"type\":"
	                                    "\"mrkdwn\",\"text\":"));
	out = toll_json_string(out, text);
	out = toll_json_raw(out, TOLL_SLICE("}},{\"type\":\"context\",\"elements\":[{\"type\":"
	                                    "\"mrkdwn\",\"text\":"));
	out = toll_json_string(out, escape(details, escaped));
	out = toll_json_raw(out, TOLL_SLICE("}]}]}"));
	*ret_len = (size_t)(out - body);
	return body;
}

static char *json_body(const struct toll_budget_event *e, uint64_t passed_over, size_t *ret_len)
{
	char *body = malloc(TOLL_EVENT_TEXT + 64);
	size_t len;

	if (!body)
		return NULL;
	len = toll_event_print(e, body);
	if (passed_over)
		len += (size_t)snprintf(body + len - 1, 64, ",\"passed_over\":%" PRIu64 "}",
		                        passed_over) -
		       1;
	*ret_len = len;
	return body;
}

char *toll_notify_body(enum toll_webhook_format format, const struct toll_budget_event *e,
                       uint64_t passed_over, size_t *ret_len)
{
	return format == TOLL_WEBHOOK_SLACK ? slack_body(e, passed_over, ret_len)
	                                    : json_body(e, passed_over, ret_len);
}
