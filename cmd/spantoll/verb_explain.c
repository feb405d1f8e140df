/* SPDX-License-Identifier: Apache-2.0 */
/* verb_explain.c - `spantoll explain`: how the cost of spans comes about; of requests in files,
 * priced here, or of a trace that a running daemon has seen. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/spantoll/ask_daemon.h"
#include "cmd/spantoll/explain_requests.h"
#include "cmd/spantoll/explain_text.h"
#include "cmd/spantoll/made_config.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"

struct explain_options {
	struct toll_setup_flags setup;
	struct toll_option_list prices;
	const char *pipeline, *trace, *endpoint;
	bool json;
};

/* The answer in the making: {"spans": [...]}. */
struct answer {
	struct toll_explained spans;
	char *text;
	size_t len;
};

/* ---- a running daemon ---- */

static int ask_daemon(const struct explain_options *o, struct answer *a, struct toll_error *reterr)
{
	char page[256];

	snprintf(page, sizeof(page), "/debug/explainz?trace_id=%s", o->trace);
	return toll_ask_daemon(o->endpoint, page, &a->text, &a->len, reterr);
}

/* ---- the configuration ---- */

static int load(const struct explain_options *o, struct toll_config **ret)
{
	struct toll_config_source source;

	if (!o->setup.config.count)
		return toll_made_config(&o->prices, "  nop:\n", "nop", "--prices", ret);
	source = toll_setup_source(&o->setup);
	return toll_setup_load_or_explain(&source, ret);
}

static int explain_files(const struct explain_options *o, struct toll_config *config, char **files,
                         int count, struct answer *a, struct toll_error *reterr)
{
	struct toll_one_pipeline *p;
	int err = toll_one_pipeline_new(config, o->pipeline, &p, reterr);

	if (err)
		return err;
	fputs("{\"spans\":[", a->spans.out);
	for (int i = 0; i < count && !err; i++)
		err = toll_explain_file(p, files[i], &a->spans, reterr);
	fputs("]}\n", a->spans.out);
	toll_one_pipeline_free(p);
	return err;
}

static int gather(const struct explain_options *o, char **files, int count, struct answer *a,
                  struct toll_error *reterr)
{
	struct toll_config *config = NULL;
	int rc = load(o, &config), err;

	if (rc != TOLL_EXIT_OK)
		return toll_fail(reterr, TOLL_ECONFIG, "%s", "");
	a->spans.out = open_memstream(&a->text, &a->len);
	if (!a->spans.out)
		err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	else
		err = explain_files(o, config, files, count, a, reterr);
	if (a->spans.out && fclose(a->spans.out) && !err)
		err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	toll_config_free(config);
	return err;
}

/* ---- the verb ---- */

static int print(const struct explain_options *o, const struct answer *a)
{
	int count;

	if (o->json) {
		fwrite(a->text, 1, a->len, stdout);
		return TOLL_EXIT_OK;
	}
	count = toll_explain_print(toll_slice(a->text, a->len), stdout);
	if (count == 0)
		fputs("spantoll explain: no spans in it\n", stderr);
	if (count < 0)
		fputs("spantoll explain: that is not the answer of spantoll's /debug/explainz\n",
		      stderr);
	return count < 0 ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

static int fail(const struct explain_options *o, const struct toll_error *why)
{
	if (why->code == TOLL_ECONFIG && !why->text[0])
		return TOLL_EXIT_CONFIG;
	fprintf(stderr, "spantoll explain: %s\n", why->text);
	if (o->trace && why->code == TOLL_EREFUSED)
		fputs("The extension zpages keeps the last requests only (recent_mib, 4 unless "
		      "set).\n",
		      stderr);
	else if (o->trace)
		fputs("Traces are explained by a daemon whose extension zpages is on; --endpoint "
		      "names "
		      "its endpoint.\n",
		      stderr);
	return TOLL_EXIT_FAILED;
}

int toll_verb_explain(int argc, char **argv)
{
	struct explain_options o = { .endpoint = TOLL_ZPAGES_ENDPOINT };
	const struct toll_option options[] = {
		TOLL_SETUP_OPTIONS(&o.setup),
		{ "pipeline", "ID",
		  "of the configuration; else the first one with a processor cost",
		  .text = &o.pipeline },
		{ "prices", "FILE",
		  "without --config: price documents, over the catalogue; repeat it",
		  .list = &o.prices },
		{ "trace", "ID", "ask a daemon for a trace that it has just seen",
		  .text = &o.trace },
		{ "endpoint", "HOST:PORT", "the extension zpages of that daemon",
		  .text = &o.endpoint },
		{ "json", NULL, "for programs", .flag = &o.json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"explain", "[FILE]...",
		"Tells how the cost of spans comes about: the rule and where it is from, "
		"quantities "
		"and rates,\nthe rounding, and what totals get. Files are OTLP requests (protobuf "
		"or "
		"JSON, also one per\nline as the exporter file writes them), \"-\" is standard "
		"input; they pass through the\nprocessors of a configuration, or just through "
		"pricing and cost.\n",
		"Examples:\n"
		"  spantoll explain --config spantoll.yaml request.json\n"
		"  spantoll explain --prices mine.yaml - < request.pb\n"
		"  spantoll explain --trace 4bf92f3577b34da6a3ce929d0e0e4736\n",
		options
	};
	char dash[] = "-", *standard_input[] = { dash };
	struct answer a = { 0 };
	struct toll_error why = { 0 };
	int rest, err, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	toll_log_set_level(TOLL_LOG_WARN);
	if (o.trace)
		err = ask_daemon(&o, &a, &why);
	else if (rest < argc)
		err = gather(&o, argv + rest, argc - rest, &a, &why);
	else
		err = gather(&o, standard_input, 1, &a, &why);
	rc = err ? fail(&o, &why) : print(&o, &a);
	free(a.text);
	return rc;
}
