/* SPDX-License-Identifier: Apache-2.0 */
/* budget_kill.c - `spantoll budget kill`: throttling of the whole fleet off, and on again. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/spantoll/budget_body.h"
#include "cmd/spantoll/budget_json.h"
#include "cmd/spantoll/budget_verb.h"
#include "config/suggest.h"

#define VERB "budget kill"

static int wrong_word(const char *word)
{
	static const char *const words[] = { "on", "off", "status" };
	struct toll_suggest s;

	toll_suggest_init(&s, toll_slice_str(word));
	for (size_t i = 0; i < 3; i++)
		toll_suggest_offer(&s, words[i]);
	fprintf(stderr, "spantoll " VERB ": \"%s\" is none of on, off, status", word);
	if (s.best)
		fprintf(stderr, ", did you mean \"%s\"?", s.best);
	fputc('\n', stderr);
	return TOLL_EXIT_USAGE;
}

static void print(struct json_object *o, bool json)
{
	if (json)
		toll_budget_print_json(o);
	else if (toll_budget_flag(o, "on"))
		printf("The kill switch is on, nobody is throttled: %s\n"
		       "spantoll budget kill off ends it.\n",
		       toll_budget_text(o, "by"));
	else
		puts("The kill switch is off: budgets throttle.");
}

static int change(const struct toll_budget_flags *f, bool on, const char *why,
                  struct json_object **ret)
{
	struct toll_budget_body body;
	struct toll_budget_question q = { VERB, "PUT", "/v1/kill", NULL };
	int rc;

	toll_budget_body_open(&body);
	toll_budget_body_put(&body, "on", on ? "true" : "false");
	toll_budget_body_text(&body, "why", why);
	toll_budget_body_text(&body, "who", toll_budget_user());
	q.body = toll_budget_body_close(&body);
	rc = q.body ? toll_budget_ask(f, &q, ret) : toll_budget_no_memory(VERB);
	free(body.text);
	return rc;
}

static int run(const struct toll_budget_flags *f, const char *word, const char *why)
{
	const struct toll_budget_question status = { .verb = VERB,
		                                     .method = "GET",
		                                     .path = "/v1/kill" };
	struct json_object *answer = NULL;
	bool on = strcmp(word, "on") == 0;
	int rc;

	if (on && !(why && *why)) {
		fputs("spantoll " VERB ": say why: --why \"...\" goes into the audit log\n",
		      stderr);
		return TOLL_EXIT_USAGE;
	}
	if (on || strcmp(word, "off") == 0)
		rc = change(f, on, why, &answer);
	else if (strcmp(word, "status") == 0)
		rc = toll_budget_ask(f, &status, &answer);
	else
		return wrong_word(word);
	if (rc == TOLL_EXIT_OK)
		print(answer, f->json);
	json_object_put(answer);
	return rc;
}

int toll_budget_verb_kill(int argc, char **argv)
{
	struct toll_budget_flags flags = TOLL_BUDGET_FLAGS_INIT;
	const char *why = NULL;
	const struct toll_option options[] = {
		TOLL_BUDGET_OPTIONS(&flags),
		{ "why", "TEXT", "the reason, for the audit log; on needs one", .text = &why },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "[on|off|status]",
		"The kill switch. On, every throttle flag of the fleet is cleared within a\n"
		"second and none is set until it is off again; spend is still counted. Without a\n"
		"word: status.\n",
		"Examples:\n"
		"  spantoll budget kill on --why \"prices are wrong, incident 42\"\n"
		"  spantoll budget kill off\n",
		options
	};
	int rest, rc = toll_options_parse_mixed(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (argc - rest > 1) {
		fprintf(stderr, "spantoll " VERB ": one word of on, off, status; not also \"%s\"\n",
		        argv[rest + 1]);
		return TOLL_EXIT_USAGE;
	}
	return run(&flags, rest < argc ? argv[rest] : "status", why);
}
