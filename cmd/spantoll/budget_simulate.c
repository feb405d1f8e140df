/* SPDX-License-Identifier: Apache-2.0 */
/* budget_simulate.c - `spantoll budget simulate`: when recorded spend would have tripped another
 * budget. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/spantoll/budget_verb.h"
#include "cmd/spantoll/made_config.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/simulate_print.h"
#include "pipeline/factory.h"

#define VERB         "budget simulate"
#define MAX_SERVICES 2000
#define TOP          50
#define AHEAD_MS     UINT64_C(86400000) /* a day: recorded on a machine whose clock is wrong */

struct options {
	struct toll_setup_flags setup;
	struct toll_option_list prices, budgets, match;
	const char *enforcer, *pipeline;
	const char *limit, *window, *mode, *evaluation;
	int64_t max_services, top;
	bool json, changes;
};

/* What is simulated with. */
struct simulation {
	struct toll_config *config, *made; /* from --config; from flags, else NULL */
	struct toll_rules *rules;
	struct toll_simulate_input input;
};

/* ---- budgets of flags, as YAML, so that they are checked as those of a file ---- */

static bool has_budget_flags(const struct options *o)
{
	return o->budgets.count || o->match.count || o->limit || o->window || o->mode;
}

static void put_setting(FILE *out, const char *name, const char *value)
{
	if (!value)
		return;
	fprintf(out, ", %s: ", name);
	toll_yaml_put(out, value);
}

/* "service=payment-*" */
static void put_match(FILE *out, const struct toll_option_list *match)
{
	fputs("match: {", out);
	for (size_t i = 0; i < match->count; i++) {
		const char *equals = strchr(match->at[i], '=');
		size_t len = equals ? (size_t)(equals - match->at[i]) : strlen(match->at[i]);
		char *name = strndup(match->at[i], len);

		fputs(i ? ", " : "", out);
		toll_yaml_put(out, name ? name : "");
		fputs(": ", out);
		toll_yaml_put(out, equals ? equals + 1 : "*");
		free(name);
	}
	fputc('}', out);
}

static void put_budgets(FILE *out, const struct options *o)
{
	fputs("  enforcer:\n    store: memory\n", out);
	if (o->evaluation) {
		fputs("    evaluation_window: ", out);
		toll_yaml_put(out, o->evaluation);
		fputc('\n', out);
	}
	if (!has_budget_flags(o))
		return;
	fputs("    budgets:\n", out);
	for (size_t i = 0; i < o->budgets.count; i++)
		fprintf(out, "      - %s\n", o->budgets.at[i]);
	if (!o->match.count && !o->limit && !o->window && !o->mode)
		return;
	fputs("      - {", out);
	put_match(out, &o->match);
	put_setting(out, "limit", o->limit);
	put_setting(out, "window", o->window);
	put_setting(out, "mode", o->mode);
	fputs("}\n", out);
}

static int make_config(const struct options *o, struct toll_config **ret)
{
	char *yaml = NULL;
	size_t len;
	FILE *out = open_memstream(&yaml, &len);
	int rc = TOLL_EXIT_FAILED;

	if (!out)
		return rc;
	put_budgets(out, o);
	if (fclose(out) == 0)
		rc = toll_made_config(&o->prices, yaml, "enforcer", "flags", ret);
	free(yaml);
	return rc;
}

/* ---- the budgets of a configuration ---- */

static const struct toll_config_component *find_enforcer(const struct toll_config *c,
                                                         const char *id)
{
	const struct toll_config_component *all = c->components[TOLL_SECTION_EXPORTERS];

	for (size_t i = 0; i < c->component_count[TOLL_SECTION_EXPORTERS]; i++) {
		const struct toll_factory *f = all[i].type->owner;

		if (f && f->budgets && (!id || strcmp(id, all[i].id) == 0))
			return &all[i];
	}
	return NULL;
}

static int take_rules(struct simulation *s, const struct toll_config *c, const char *id,
                      struct toll_error *reterr)
{
	const struct toll_config_component *enforcer = find_enforcer(c, id);
	const struct toll_factory *factory;
	struct toll_budget_settings set;

	if (!enforcer)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 id ? "there is no enforcer \"%s\" in the configuration"
		                    : "there is no enforcer in the configuration: name a budget "
		                      "with --limit",
		                 id);
	factory = enforcer->type->owner;
	factory->budgets(enforcer->settings, &set);
	s->rules = malloc(sizeof(*s->rules));
	return s->rules ? toll_rules_init(s->rules, &set, reterr)
	                : toll_fail(reterr, TOLL_ENOMEM, "out of memory");
}

static int load(struct simulation *s, const struct options *o)
{
	struct toll_config_source source = toll_setup_source(&o->setup);
	int rc = TOLL_EXIT_OK;

	if (o->setup.config.count)
		rc = toll_setup_load_or_explain(&source, &s->config);
	if (rc == TOLL_EXIT_OK && (!s->config || has_budget_flags(o)))
		rc = make_config(o, &s->made);
	return rc;
}

/* ---- the simulation ---- */

static int begin(struct simulation *s, const struct options *o, struct toll_error *reterr)
{
	struct toll_replay_settings set = { .max_subjects = (uint32_t)o->max_services,
		                            .latest_ms = toll_clock_wall_ms() + AHEAD_MS };
	int err =
		take_rules(s, s->made ? s->made : s->config, s->made ? NULL : o->enforcer, reterr);

	if (err)
		return err;
	set.rules = s->rules;
	if (o->changes) {
		set.changed = toll_simulate_print_change;
		set.ctx = stdout;
	}
	s->input.config = s->config ? s->config : s->made;
	s->input.pipeline_id = o->pipeline;
	s->input.subjects = &s->rules->subjects;
	s->input.progress = isatty(STDERR_FILENO) && !(o->changes && isatty(STDOUT_FILENO));
	err = toll_replay_new(&set, &s->input.replay);
	return err ? toll_fail(reterr, err, "out of memory") : 0;
}

static int read_files(struct simulation *s, char **files, int count, struct toll_error *reterr)
{
	int err = count ? 0 : toll_simulate_file(&s->input, "-", reterr);

	for (int i = 0; i < count && !err; i++)
		err = toll_simulate_file(&s->input, files[i], reterr);
	toll_replay_end(s->input.replay);
	return err;
}

static int print(const struct simulation *s, const struct options *o)
{
	const struct toll_simulate_input *in = &s->input;

	if (!toll_replay_totals(in->replay)->spans) {
		fprintf(stderr, "spantoll " VERB ": no priced spans in it%s%s\n",
		        in->unreadable ? "; " : "", in->first_unreadable.text);
		return TOLL_EXIT_FAILED;
	}
	if (o->changes)
		return TOLL_EXIT_OK;
	return o->json ? toll_simulate_print_json(in)
	               : toll_simulate_print_table(in, (uint64_t)o->top);
}

static void release(struct simulation *s)
{
	toll_simulate_input_release(&s->input);
	toll_replay_free(s->input.replay);
	if (s->rules)
		toll_rules_release(s->rules);
	free(s->rules);
	toll_config_free(s->config);
	toll_config_free(s->made);
}

static int run(const struct options *o, char **files, int count)
{
	struct simulation s = { 0 };
	struct toll_error why = { 0 };
	int rc = load(&s, o);

	if (rc == TOLL_EXIT_OK &&
	    (begin(&s, o, &why) < 0 || read_files(&s, files, count, &why) < 0)) {
		fprintf(stderr, "spantoll " VERB ": %s\n", why.text);
		rc = TOLL_EXIT_FAILED;
	}
	if (rc == TOLL_EXIT_OK)
		rc = print(&s, o);
	release(&s);
	return rc;
}

int toll_budget_verb_simulate(int argc, char **argv)
{
	struct options o = { .max_services = MAX_SERVICES, .top = TOP };
	const struct toll_option options[] = {
		{ "match", "DIMENSION=GLOB",
		  "the budget is for these: service=payment-*; repeat it", .list = &o.match },
		{ "limit", "USD", "500 unless told", .text = &o.limit },
		{ "window", "DURATION", "24h unless told", .text = &o.window },
		{ "mode", "MODE", "enforce or shadow", .text = &o.mode },
		{ "budget", "YAML", "as in the file, {match: {...}, limit: 20}; repeat",
		  .list = &o.budgets },
		{ "evaluation-window", "DURATION", "60s unless told; of budgets in flags",
		  .text = &o.evaluation },
		TOLL_SETUP_OPTIONS(&o.setup),
		{ "enforcer", "ID", "whose budgets of the configuration; else the first",
		  .text = &o.enforcer },
		{ "pipeline", "ID",
		  "prices requests; else the first with "
		  "a processor cost",
		  .text = &o.pipeline },
		{ "prices", "FILE", "price documents in the place of --config; repeat it",
		  .list = &o.prices },
		{ "max-services", "N", "kept apart, the rest is __overflow__ (2000)",
		  .number = &o.max_services },
		{ "top", "N", "rows of the table; 0: all (50)", .number = &o.top },
		{ "changes", NULL, "a line for each change, instead of the table",
		  .flag = &o.changes },
		{ "json", NULL, "for programs", .flag = &o.json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "[FILE]...",
		"Replays recorded spans against budgets, by the rules of the enforcer in virtual\n"
		"time, and tells who would have been throttled, when and for how long. Files are\n"
		"cost records, one per line (exporters kafka and file, encoding: json), or OTLP\n"
		"requests, which are priced here; \"-\" is standard input. Budgets are those of\n"
		"a configuration, or of flags.\n",
		"Examples:\n"
		"  spantoll budget simulate --match service=pay-* --limit 50 --window 1h "
		"spans.jsonl\n"
		"  spantoll budget simulate --config spantoll.yaml - < requests.jsonl\n",
		options
	};
	int rest, rc = toll_options_parse_mixed(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (o.max_services < 1 || o.max_services > 1000000) {
		fputs("spantoll " VERB ": --max-services is 1 to 1000000\n", stderr);
		return TOLL_EXIT_USAGE;
	}
	toll_log_set_level(TOLL_LOG_WARN);
	return run(&o, argv + rest, argc - rest);
}
