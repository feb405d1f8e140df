/* SPDX-License-Identifier: Apache-2.0 */
/* budget_set.c - `spantoll budget set` and `remove`: budgets of the whole fleet, at run time. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/budget_body.h"
#include "cmd/spantoll/budget_json.h"
#include "cmd/spantoll/budget_verb.h"
#include "config/scalar.h"

#define VERB "budget set"

struct options {
	struct toll_budget_flags daemon;
	struct toll_option_list match;
	const char *timezone, *evaluation_window, *alpha, *windows, *release, *fast_trip;
	bool shadow, off;
	char limit[64], window[64]; /* of LIMIT/WINDOW */
};

/* ---- the words ---- */

static int wrong(const char *word, const char *what)
{
	fprintf(stderr, "spantoll " VERB ": \"%s\": %s\n", word, what);
	return TOLL_EXIT_USAGE;
}

static bool is_period(const char *word)
{
	return strcmp(word, "day") == 0 || strcmp(word, "week") == 0 || strcmp(word, "month") == 0;
}

/* "500/24h", "$20/month". */
static int read_limit(struct options *o, const char *word)
{
	const char *amount = *word == '$' ? word + 1 : word, *slash = strchr(amount, '/');
	uint64_t ns;
	int64_t pico;

	if (!slash || (size_t)(slash - amount) >= sizeof(o->limit) ||
	    strlen(slash + 1) >= sizeof(o->window))
		return wrong(word, "say LIMIT/WINDOW: 500/24h, 20/month");
	snprintf(o->limit, sizeof(o->limit), "%.*s", (int)(slash - amount), amount);
	snprintf(o->window, sizeof(o->window), "%s", slash + 1);
	if (toll_scalar_money(toll_slice_str(o->limit), &pico))
		return wrong(word, "the limit is no amount in USD");
	if (!is_period(o->window) && toll_scalar_duration(toll_slice_str(o->window), &ns))
		return wrong(word,
		             "the window is no duration (1h, 24h, 7d), nor day, week or month");
	toll_scalar_money_text(pico, o->limit); /* a number of JSON: no leading zeros or dots */
	return TOLL_EXIT_OK;
}

static int check_ratio(const char *flag, const char *text)
{
	double v;

	if (!text || !toll_scalar_ratio(toll_slice_str(text), &v))
		return TOLL_EXIT_OK;
	fprintf(stderr, "spantoll " VERB ": --%s: \"%s\" is no number\n", flag, text);
	return TOLL_EXIT_USAGE;
}

/* ---- the budget ---- */

/* service=NAME where nothing else is said. */
static void put_match(struct toll_budget_body *b, const struct options *o, const char *name)
{
	toll_budget_body_begin(b, "match");
	if (!o->match.count)
		toll_budget_body_text(b, "service", name);
	for (size_t i = 0; i < o->match.count; i++) {
		const char *equals = strchr(o->match.at[i], '=');
		char dimension[128];

		snprintf(dimension, sizeof(dimension), "%.*s", (int)(equals - o->match.at[i]),
		         o->match.at[i]);
		toll_budget_body_text(b, dimension, equals + 1);
	}
	toll_budget_body_end(b);
}

/* As JSON writes numbers; they have been checked. */
static void put_number(struct toll_budget_body *b, const char *name, const char *text)
{
	char buf[TOLL_SCALAR_TEXT];
	double v;

	if (text && !toll_scalar_ratio(toll_slice_str(text), &v))
		toll_budget_body_put(b, name, toll_scalar_ratio_text(v, buf));
}

static void put_ema(struct toll_budget_body *b, const struct options *o)
{
	if (!o->alpha && !o->windows && !o->release)
		return;
	toll_budget_body_begin(b, "ema");
	put_number(b, "alpha", o->alpha);
	put_number(b, "windows", o->windows);
	put_number(b, "release", o->release);
	toll_budget_body_end(b);
}

/* "3/5m": the spend of 5 minutes, as if it went on, over three times the limit. */
static void put_fast_trip(struct toll_budget_body *b, const struct options *o)
{
	const char *slash = o->fast_trip ? strchr(o->fast_trip, '/') : NULL;
	char factor[64];

	if (!slash)
		return;
	snprintf(factor, sizeof(factor), "%.*s", (int)(slash - o->fast_trip), o->fast_trip);
	toll_budget_body_begin(b, "fast_trip");
	put_number(b, "factor", factor);
	toll_budget_body_text(b, "over", slash + 1);
	toll_budget_body_end(b);
}

static void put_budget(struct toll_budget_body *b, const struct options *o, const char *name)
{
	put_match(b, o, name);
	toll_budget_body_put(b, "limit", o->limit);
	toll_budget_body_text(b, is_period(o->window) ? "period" : "window", o->window);
	toll_budget_body_text(b, "timezone", o->timezone);
	toll_budget_body_text(b, "mode", o->off ? "off" : o->shadow ? "shadow" : "enforce");
	toll_budget_body_text(b, "evaluation_window", o->evaluation_window);
	put_ema(b, o);
	put_fast_trip(b, o);
}

static int check(const struct options *o)
{
	const char *slash = o->fast_trip ? strchr(o->fast_trip, '/') : NULL;
	char factor[64] = "";
	int rc = check_ratio("alpha", o->alpha);

	for (size_t i = 0; i < o->match.count; i++)
		if (!strchr(o->match.at[i], '=') || o->match.at[i][0] == '=')
			return wrong(o->match.at[i], "say --match DIMENSION=PATTERN");
	if (o->fast_trip && !slash)
		return wrong(o->fast_trip, "say --fast-trip FACTOR/OVER: 3/5m");
	if (slash)
		snprintf(factor, sizeof(factor), "%.*s", (int)(slash - o->fast_trip), o->fast_trip);
	rc = rc ? rc : check_ratio("windows", o->windows);
	rc = rc ? rc : check_ratio("release", o->release);
	return rc ? rc : check_ratio("fast-trip", slash ? factor : NULL);
}

/* ---- asking ---- */

static int change(const struct toll_budget_flags *f, const struct toll_budget_question *q,
                  const char *said)
{
	struct json_object *answer;
	int rc = toll_budget_ask(f, q, &answer);

	if (rc != TOLL_EXIT_OK)
		return rc;
	if (f->json)
		toll_budget_print_json(answer);
	else
		puts(said);
	json_object_put(answer);
	return rc;
}

static int set(const struct options *o, const char *name)
{
	char *path = toll_budget_path("/v1/budgets/", name, "who", toll_budget_user());
	struct toll_budget_body body;
	struct toll_budget_question q = { VERB, "PUT", path, NULL };
	int rc;

	toll_budget_body_open(&body);
	put_budget(&body, o, name);
	q.body = toll_budget_body_close(&body);
	rc = path && q.body ? change(&o->daemon, &q,
	                             "Set: every daemon follows within seconds.\n"
	                             "spantoll budget list shows what comes of it.")
	                    : toll_budget_no_memory(VERB);
	free(body.text);
	free(path);
	return rc;
}

int toll_budget_verb_set(int argc, char **argv)
{
	struct options o = { .daemon = TOLL_BUDGET_FLAGS_INIT };
	/* clang-format off */
	const struct toll_option options[] = {
		TOLL_BUDGET_OPTIONS(&o.daemon),
		{ "match", "DIM=PATTERN", "for whom; default: service=NAME",
		  .list = &o.match },
		{ "shadow", NULL, "decide and tell, but throttle nobody", .flag = &o.shadow },
		{ "off", NULL, "do nothing", .flag = &o.off },
		{ "timezone", "ZONE", "of day, week and month: Europe/Berlin; default: UTC", .text = &o.timezone },
		{ "evaluation-window", "TIME", "one decision in so much time", .text = &o.evaluation_window },
		{ "alpha", "A", "weight of the present in the average", .text = &o.alpha },
		{ "windows", "N", "decisions in a row that set or release", .text = &o.windows },
		{ "release", "R", "released below this share of the limit", .text = &o.release },
		{ "fast-trip", "FACTOR/OVER", "3/5m: at once, if 5m go on to 3 times the limit",
		  .text = &o.fast_trip },
		TOLL_OPTION_END,
	};
	/* clang-format on */
	const struct toll_usage usage = {
		VERB, "NAME LIMIT/WINDOW",
		"Sets a budget for the whole fleet, until it is removed. It takes the place of a\n"
		"configured one of the same name. LIMIT is in USD; WINDOW rolls (1h, 24h, 7d,\n"
		"30d), or is a day, week or month of the calendar.\n",
		"Examples:\n"
		"  spantoll budget set payment-svc 500/24h --shadow\n"
		"  spantoll budget set tenants 20/month --match 'tenant=*' --timezone Asia/Tokyo\n"
		"  spantoll budget set batch 50/1h --match 'service=batch-*' --fast-trip 3/5m\n",
		options
	};
	int rest, rc = toll_options_parse_mixed(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (argc - rest != 2) {
		fputs("spantoll " VERB ": say NAME LIMIT/WINDOW: payment-svc 500/24h\n", stderr);
		return TOLL_EXIT_USAGE;
	}
	rc = read_limit(&o, argv[rest + 1]);
	rc = rc ? rc : check(&o);
	return rc ? rc : set(&o, argv[rest]);
}

int toll_budget_verb_remove(int argc, char **argv)
{
	struct toll_budget_flags flags = TOLL_BUDGET_FLAGS_INIT;
	const struct toll_option options[] = { TOLL_BUDGET_OPTIONS(&flags), TOLL_OPTION_END };
	const struct toll_usage usage = {
		"budget remove", "NAME",
		"Takes a budget that was set at run time back. One of that name in the\n"
		"configuration holds again.\n",
		NULL, options
	};
	struct toll_budget_question q = { usage.verb, "DELETE", NULL, NULL };
	int rest, rc = toll_options_parse_mixed(&usage, argc, argv, &rest);
	char *path;

	if (rc >= 0)
		return rc;
	if (argc - rest != 1) {
		fputs("spantoll budget remove: name one budget\n", stderr);
		return TOLL_EXIT_USAGE;
	}
	path = toll_budget_path("/v1/budgets/", argv[rest], "who", toll_budget_user());
	q.path = path;
	rc = path ? change(&flags, &q, "Removed.") : toll_budget_no_memory(usage.verb);
	free(path);
	return rc;
}
