/* SPDX-License-Identifier: Apache-2.0 */
/* budget_override.c - `spantoll budget override`: a person's word over what budgets say. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/budget_body.h"
#include "cmd/spantoll/budget_json.h"
#include "cmd/spantoll/budget_subject.h"
#include "cmd/spantoll/budget_verb.h"
#include "config/scalar.h"
#include "config/suggest.h"

#define VERB "budget override"

struct options {
	struct toll_budget_flags daemon;
	const char *ttl, *why;
};

static int ask_put(const struct options *o, const char *path, const char *action,
                   struct json_object **ret)
{
	struct toll_budget_body body;
	struct toll_budget_question q = { VERB, "PUT", path, NULL };
	int rc;

	toll_budget_body_open(&body);
	toll_budget_body_text(&body, "action", action);
	toll_budget_body_text(&body, "ttl", o->ttl);
	toll_budget_body_text(&body, "why", o->why);
	toll_budget_body_text(&body, "who", toll_budget_user());
	q.body = toll_budget_body_close(&body);
	rc = q.body ? toll_budget_ask(&o->daemon, &q, ret) : toll_budget_no_memory(VERB);
	free(body.text);
	return rc;
}

/* DELETE has no body. */
static int ask_clear(const struct options *o, const char *subject, struct json_object **ret)
{
	char *path = toll_budget_path("/v1/overrides/", subject, "why", o->why ? o->why : "");
	char *who =
		path ? toll_budget_path(strchr(path, '?') ? "&who=" : "?who=", toll_budget_user(),
	                                NULL, NULL)
		     : NULL;
	char *whole = NULL;
	struct toll_budget_question q = { VERB, "DELETE", NULL, NULL };
	int rc;

	if (!who || asprintf(&whole, "%s%s", path, who) < 0)
		whole = NULL;
	q.path = whole;
	rc = whole ? toll_budget_ask(&o->daemon, &q, ret) : toll_budget_no_memory(VERB);
	free(whole);
	free(who);
	free(path);
	return rc;
}

static void print(const struct options *o, const char *subject, const char *action,
                  struct json_object *answer)
{
	char time[48];

	if (o->daemon.json) {
		toll_budget_print_json(answer);
		return;
	}
	if (strcmp(action, "clear") == 0) {
		printf("%s goes by its budgets again.\n", subject);
		return;
	}
	toll_budget_duration((double)toll_budget_count(answer, "ttl_s"), time, sizeof(time));
	printf("%s %s for %s, whatever its budgets say.\nspantoll budget override %s clear ends "
	       "it.\n",
	       subject, strcmp(action, "allow") == 0 ? "is let through" : "is throttled", time,
	       subject);
}

static int run(const struct options *o, const char *subject, const char *action)
{
	bool clear = strcmp(action, "clear") == 0;
	struct json_object *answer = NULL;
	char *path = clear ? NULL : toll_budget_path("/v1/overrides/", subject, NULL, NULL);
	int rc;

	if (clear)
		rc = ask_clear(o, subject, &answer);
	else
		rc = path ? ask_put(o, path, action, &answer) : toll_budget_no_memory(VERB);
	if (rc == TOLL_EXIT_OK)
		print(o, subject, action, answer);
	json_object_put(answer);
	free(path);
	return rc;
}

static int check_action(const char *word)
{
	static const char *const actions[] = { "allow", "deny", "clear" };
	struct toll_suggest s;

	toll_suggest_init(&s, toll_slice_str(word));
	for (size_t i = 0; i < TOLL_COUNT(actions); i++) {
		if (strcmp(actions[i], word) == 0)
			return TOLL_EXIT_OK;
		toll_suggest_offer(&s, actions[i]);
	}
	fprintf(stderr, "spantoll " VERB ": \"%s\" is none of allow, deny, clear", word);
	if (s.best)
		fprintf(stderr, ", did you mean \"%s\"?", s.best);
	fputc('\n', stderr);
	return TOLL_EXIT_USAGE;
}

static int check_ttl(const char *text)
{
	const char *wrong;
	uint64_t ns;

	wrong = text ? toll_scalar_duration(toll_slice_str(text), &ns) : NULL;
	if (wrong)
		fprintf(stderr, "spantoll " VERB ": --ttl: \"%s\" %s\n", text, wrong);
	return wrong ? TOLL_EXIT_USAGE : TOLL_EXIT_OK;
}

int toll_budget_verb_override(int argc, char **argv)
{
	struct options o = { .daemon = TOLL_BUDGET_FLAGS_INIT };
	const struct toll_option options[] = {
		TOLL_BUDGET_OPTIONS(&o.daemon),
		{ "ttl", "TIME", "for how long: 30m, 1h, 7d; at most 31d; default 1h",
		  .text = &o.ttl },
		{ "why", "TEXT", "the reason, for the audit log", .text = &o.why },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "SUBJECT allow|deny|clear",
		"Lets a subject through, or throttles it, whatever its budgets say, until the\n"
		"time is over; clear ends it earlier. Over it stands only the kill switch.\n"
		"SUBJECT is a service, or DIMENSION=VALUE, several of them joined by commas.\n",
		"Examples:\n"
		"  spantoll budget override payment-svc allow --ttl 1h --why \"incident 42\"\n"
		"  spantoll budget override tenant=acme deny\n"
		"  spantoll budget override tenant=acme,service=payment-svc clear\n",
		options
	};
	char subject[TOLL_BUDGET_SUBJECT_TEXT];
	int rest, rc = toll_options_parse_mixed(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (argc - rest != 2) {
		fputs("spantoll " VERB ": say SUBJECT allow, deny or clear: payment-svc allow\n",
		      stderr);
		return TOLL_EXIT_USAGE;
	}
	rc = check_action(argv[rest + 1]);
	rc = rc ? rc : check_ttl(o.ttl);
	rc = rc ? rc : toll_budget_subject(VERB, argv[rest], subject);
	return rc ? rc : run(&o, subject, argv[rest + 1]);
}
