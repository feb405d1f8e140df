/* SPDX-License-Identifier: Apache-2.0 */
/* verb_components.c - `spantoll components`: what this program can run. */
#include <ctype.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/version.h"
#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"

static const char *const section_keys[] = { "receivers", "processors", "exporters", "connectors",
	                                    "extensions" };
static const char *const section_kinds[] = { "receiver", "processor", "exporter", "connector",
	                                     "extension" };
static const char *const schemes[] = { "env", "file", "yaml" };

#define TYPES_MAX 256

static int by_name(const void *a, const void *b)
{
	const struct toll_config_type *const *left = a, *const *right = b;

	return strcmp((*left)->type, (*right)->type);
}

/* Calls fn for every type of the section that a file can name, by name. */
static void each_type(enum toll_section section,
                      void (*fn)(const struct toll_config_type *, void *), void *ctx)
{
	const struct toll_config_type *types[TYPES_MAX];
	size_t count = 0;

	for (const struct toll_config_type *t = toll_setup_types(); t->type && count < TYPES_MAX;
	     t++)
		if (t->section == section && !t->internal && !t->later)
			types[count++] = t;
	qsort(types, count, sizeof(*types), by_name); /* NOLINT(bugprone-sizeof-expression) */
	for (size_t i = 0; i < count; i++)
		fn(types[i], ctx);
}

/* The Collector writes Stable, Beta, Alpha, Development. */
static void print_level(const char *what, const char *stability)
{
	printf("        %s: %c%s\n", what, toupper((unsigned char)*stability), stability + 1);
}

static void print_yaml_type(const struct toll_config_type *t, void *ctx TOLL_UNUSED)
{
	printf("    - name: %s\n      module: spantoll/%s/%s v%s\n", t->type,
	       section_keys[t->section], t->type, TOLL_VERSION);
	if (t->alias)
		printf("      alias: %s\n", t->alias);
	puts("      stability:");
	if (t->section == TOLL_SECTION_EXTENSIONS) {
		print_level("extension", t->stability);
	} else if (t->section == TOLL_SECTION_CONNECTORS) {
		print_level("traces-to-traces", t->stability);
	} else {
		puts("        logs: Undefined\n        metrics: Undefined");
		print_level("traces", t->stability);
	}
}

static void count_type(const struct toll_config_type *t TOLL_UNUSED, void *ctx)
{
	++*(size_t *)ctx;
}

/* The layout of the Collector's own `components` (otelcol/command_components.go). */
static int print_yaml(void)
{
	printf("buildinfo:\n    command: spantoll\n"
	       "    description: a price on every span, a budget per service\n    version: %s\n",
	       TOLL_VERSION);
	for (int s = 0; s < TOLL_SECTION_COUNT; s++) {
		size_t count = 0;

		each_type(s, count_type, &count);
		printf("%s:%s\n", section_keys[s], count ? "" : " []");
		each_type(s, print_yaml_type, NULL);
	}
	puts("providers:");
	for (size_t i = 0; i < TOLL_COUNT(schemes); i++)
		printf("    - scheme: %s\n      module: spantoll/config v%s\n", schemes[i],
		       TOLL_VERSION);
	return TOLL_EXIT_OK;
}

static void print_json_type(const struct toll_config_type *t, void *ctx)
{
	bool *first = ctx;

	printf("%s{\"name\":\"%s\",\"alias\":", *first ? "" : ",", t->type);
	toll_json_print(stdout, t->alias ? t->alias : "");
	printf(",\"stability\":\"%s\",\"help\":", t->stability);
	toll_json_print(stdout, t->help);
	putchar('}');
	*first = false;
}

static int print_json(void)
{
	printf("{\"version\":\"%s\"", TOLL_VERSION);
	for (int s = 0; s < TOLL_SECTION_COUNT; s++) {
		bool first = true;

		printf(",\n\"%s\":[", section_keys[s]);
		each_type(s, print_json_type, &first);
		putchar(']');
	}
	puts("}");
	return TOLL_EXIT_OK;
}

static void add_line(const struct toll_config_type *t, void *ctx)
{
	struct libscols_table *table = ctx;
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return;
	scols_line_set_data(line, 0, section_kinds[t->section]);
	scols_line_set_data(line, 1, t->type);
	scols_line_set_data(line, 2, t->stability);
	scols_line_set_data(line, 3, t->help);
}

static int print_table(void)
{
	struct libscols_table *table;
	int rc = TOLL_EXIT_FAILED;

	setlocale(LC_CTYPE, ""); /* widths of UTF-8 text */
	scols_init_debug(0);
	table = scols_new_table();
	if (table && scols_table_new_column(table, "KIND", 0, 0) &&
	    scols_table_new_column(table, "TYPE", 0, 0) &&
	    scols_table_new_column(table, "STABILITY", 0, 0) &&
	    scols_table_new_column(table, "WHAT IT DOES", 0, SCOLS_FL_WRAP)) {
		scols_table_enable_colors(table, toll_colour_wanted(STDOUT_FILENO));
		for (int s = 0; s < TOLL_SECTION_COUNT; s++)
			each_type(s, add_line, table);
		rc = scols_print_table(table) < 0 ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
	}
	scols_unref_table(table);
	return rc;
}

int toll_verb_components(int argc, char **argv)
{
	const char *output = isatty(STDOUT_FILENO) ? "table" : "yaml";
	bool json = false;
	const struct toll_option options[] = {
		{ "output", "FORMAT", "table, yaml or json", .text = &output },
		{ "json", NULL, "the same as --output json", .flag = &json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"components", NULL,
		"Lists the receivers, processors, exporters, connectors and extensions of this "
		"program:\n"
		"a table on a terminal, YAML in the OpenTelemetry Collector's layout elsewhere.\n",
		NULL, options
	};
	int rc = toll_options_parse(&usage, argc, argv, NULL);

	if (rc >= 0)
		return rc;
	if (json || strcmp(output, "json") == 0)
		return print_json();
	if (strcmp(output, "yaml") == 0)
		return print_yaml();
	if (strcmp(output, "table") == 0)
		return print_table();
	fprintf(stderr, "spantoll components: --output: \"%s\" is none of table, yaml, json\n",
	        output);
	return TOLL_EXIT_USAGE;
}
