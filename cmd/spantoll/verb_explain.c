/* SPDX-License-Identifier: Apache-2.0 */
/* verb_explain.c - `spantoll explain`: how the cost of spans comes about; of requests in files,
 * priced here, or of a trace that a running daemon has seen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/spantoll/explain_text.h"
#include "cmd/spantoll/one_pipeline.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"
#include "net/http_client.h"
#include "prices/explain.h"

enum { INPUT_MAX = 64 << 20, ANSWER_MAX = 64 << 20 };

struct explain_options {
	struct toll_setup_flags setup;
	struct toll_option_list prices;
	const char *pipeline, *trace, *endpoint;
	bool json;
};

/* The answer in the making: {"spans": [...]}. */
struct answer {
	FILE *out;
	char *text;
	size_t len;
	unsigned spans;
};

/* ---- a running daemon ---- */

static int ask_daemon(const struct explain_options *o, struct answer *a, struct toll_error *reterr)
{
	char url[512];
	struct toll_http_get get = { .url = url,
		                     .timeout_ns = 5 * TOLL_S,
		                     .max_bytes = ANSWER_MAX };

	snprintf(url, sizeof(url), "%s%s/debug/explainz?trace_id=%s",
	         strstr(o->endpoint, "://") ? "" : "http://", o->endpoint, o->trace);
	return toll_http_get(&get, &a->text, &a->len, reterr);
}

/* ---- requests ---- */

static void add_batch(struct answer *a, const struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		if (b->spans[i].dropped)
			continue;
		fputs(a->spans++ ? ",\n" : "\n", a->out);
		toll_explain_span(b, &b->spans[i], a->out);
	}
}

static int explain_one(struct toll_one_pipeline *p, struct toll_slice request, struct answer *a,
                       struct toll_error *reterr)
{
	struct toll_batch *b;
	int err = toll_one_pipeline_run(p, request, &b, reterr);

	if (err)
		return err;
	add_batch(a, b);
	toll_batch_unref(b);
	return 0;
}

static bool is_json(struct toll_slice s)
{
	size_t i = 0;

	while (i < s.len && strchr(" \t\r\n", s.ptr[i]))
		i++;
	return i < s.len && s.ptr[i] == '{';
}

/* One request per line, as the exporter file writes them. */
static int explain_lines(struct toll_one_pipeline *p, struct toll_slice s, struct answer *a,
                         struct toll_error *reterr)
{
	int err = 0;

	while (s.len && !err) {
		const char *newline = memchr(s.ptr, '\n', s.len);
		size_t len = newline ? (size_t)(newline - s.ptr) : s.len;
		size_t taken = newline ? len + 1 : len;

		if (is_json(toll_slice(s.ptr, len)))
			err = explain_one(p, toll_slice(s.ptr, len), a, reterr);
		s = toll_slice(s.ptr + taken, s.len - taken);
	}
	return err;
}

static struct toll_slice skip_blanks(struct toll_slice s)
{
	while (s.len && strchr(" \t\r\n", *s.ptr))
		s = toll_slice(s.ptr + 1, s.len - 1);
	return s;
}

static int explain_input(struct toll_one_pipeline *p, struct toll_slice s, struct answer *a,
                         struct toll_error *reterr)
{
	struct toll_error of_all;

	if (!is_json(s))
		return explain_one(p, s, a, reterr);
	s = skip_blanks(s);
	if (explain_one(p, s, a, &of_all) == 0)
		return 0;
	/* Several lines may also be one request, printed for people: then its own error counts. */
	if (memchr(s.ptr, '\n', s.len) && explain_lines(p, s, a, reterr) == 0)
		return 0;
	*reterr = of_all;
	return of_all.code;
}

static int read_all(FILE *in, const char *name, char **ret, size_t *ret_len,
                    struct toll_error *reterr)
{
	char *bytes = malloc(INPUT_MAX + 1);
	size_t len = bytes ? fread(bytes, 1, INPUT_MAX + 1, in) : 0;
	int err = 0;

	if (!bytes)
		err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	else if (ferror(in))
		err = toll_fail(reterr, TOLL_EINVALID, "%s: %s", name, strerror(errno));
	else if (len > INPUT_MAX)
		err = toll_fail(reterr, TOLL_ETOOBIG, "%s: more than 64 MiB", name);
	if (err) {
		free(bytes);
		return err;
	}
	*ret = bytes;
	*ret_len = len;
	return 0;
}

static int read_input(const char *name, char **ret, size_t *ret_len, struct toll_error *reterr)
{
	FILE *in;
	int err;

	if (strcmp(name, "-") == 0)
		return read_all(stdin, name, ret, ret_len, reterr);
	in = fopen(name, "re");
	if (!in)
		return toll_fail(reterr, TOLL_EINVALID, "%s: %s", name, strerror(errno));
	err = read_all(in, name, ret, ret_len, reterr);
	fclose(in);
	return err;
}

static int explain_file(struct toll_one_pipeline *p, const char *name, struct answer *a,
                        struct toll_error *reterr)
{
	struct toll_error why;
	char *bytes = NULL;
	size_t len = 0;
	int err = read_input(name, &bytes, &len, reterr);

	if (err)
		return err;
	err = explain_input(p, toll_slice(bytes, len), a, &why);
	free(bytes);
	return err ? toll_fail(reterr, err, "%s: %s", name, why.text) : 0;
}

/* ---- the configuration ---- */

/* A file's name is no YAML and no ${...}. */
static void put_name(FILE *out, const char *name)
{
	fputc('\'', out);
	for (; *name; name++) {
		if (*name == '\'' || *name == '$')
			fputc(*name, out);
		fputc(*name, out);
	}
	fputs("'\n", out);
}

/* Only prices: a pipeline that does nothing else. */
static int load_prices(const struct toll_option_list *prices, struct toll_config **ret)
{
	struct toll_findings findings = { 0 };
	char *yaml = NULL;
	size_t len;
	FILE *out = open_memstream(&yaml, &len);
	int err;

	if (!out)
		return TOLL_EXIT_FAILED;
	fputs("receivers: {otlp: {protocols: {grpc: }}}\nprocessors: {pricing: , cost: }\n"
	      "exporters: {nop: }\nextensions:\n  pricebook:\n    catalogue: true\n",
	      out);
	for (size_t i = 0; i < prices->count; i++) {
		fprintf(out, "%s      - ", i ? "" : "    files:\n");
		put_name(out, prices->at[i]);
	}
	fputs("service:\n  extensions: [pricebook]\n  pipelines:\n    traces: {receivers: [otlp], "
	      "processors: [pricing, cost], exporters: [nop]}\n",
	      out);
	if (fclose(out))
		return TOLL_EXIT_FAILED;
	err = toll_setup_load_text(toll_slice(yaml, len), "--prices", ret, &findings);
	toll_setup_explain(&findings);
	toll_findings_release(&findings);
	free(yaml);
	return err < 0 ? TOLL_EXIT_CONFIG : TOLL_EXIT_OK;
}

static int load(const struct explain_options *o, struct toll_config **ret)
{
	struct toll_config_source source;

	if (!o->setup.config.count)
		return load_prices(&o->prices, ret);
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
	fputs("{\"spans\":[", a->out);
	for (int i = 0; i < count && !err; i++)
		err = explain_file(p, files[i], a, reterr);
	fputs("]}\n", a->out);
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
	a->out = open_memstream(&a->text, &a->len);
	if (!a->out)
		err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	else
		err = explain_files(o, config, files, count, a, reterr);
	if (a->out && fclose(a->out) && !err)
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
	struct explain_options o = { .endpoint = "localhost:55679" };
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
