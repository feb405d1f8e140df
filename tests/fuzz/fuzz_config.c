/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as several documents and sets: merging and expanding end in findings, or in a
 * configuration that is printed, as YAML and as JSON, and loads again as the same.
 *
 * Lines that are "%" end a document; a line "%key=value" is one --set. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/config_types.h"

#define PARTS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct parts {
	const char *locations[PARTS_MAX + 1], *sets[PARTS_MAX];
	size_t location_count, set_count;
};

static void set_variables(void)
{
	setenv("A", "${env:B} and $$", 1);
	setenv("B", "[1, \"${C:-c}\"]", 1);
	setenv("LOOP", "x${env:ROUND}", 1);
	setenv("ROUND", "${LOOP}", 1);
	setenv("TWICE", "${A}${A}", 1);
	setenv("EMPTY", "", 1);
	setenv("MAP", "{topic: \"${A}\", brokers: a}", 1);
}

static char *location_of(const char *text, size_t len)
{
	char *location = malloc(len + 6);

	if (location)
		snprintf(location, len + 6, "yaml:%.*s", (int)len, text);
	return location;
}

/* text ends with NUL and is cut into pieces; the locations are copies. */
static void split(char *text, struct parts *p)
{
	char *begin = text, *line = text;

	while (line && p->location_count < PARTS_MAX && p->set_count < PARTS_MAX) {
		char *end = strchr(line, '\n');

		if (*line == '%') {
			p->locations[p->location_count++] =
				location_of(begin, (size_t)(line - begin));
			if (end)
				*end = '\0';
			if (line[1])
				p->sets[p->set_count++] = line + 1;
			begin = end ? end + 1 : line + strlen(line);
		}
		line = end ? end + 1 : NULL;
	}
	p->locations[p->location_count++] = location_of(begin, strlen(begin));
}

static char *print(const struct toll_config *config, bool json)
{
	const struct toll_print_how how = { .json = json, .reveal = true };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out || toll_config_print(config, &how, out) < 0 || fclose(out) != 0)
		abort();
	return text;
}

/* What was printed loads, and prints the same. */
static void check_again(const char *text, const char *wanted)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config;
	char *again;

	if (toll_config_load_text(toll_slice_str(text), "again", test_types, &config, &findings) <
	    0) {
		toll_findings_print(&findings, stderr);
		fputs(text, stderr);
		abort();
	}
	again = print(config, false);
	if (strcmp(again, wanted) != 0)
		abort();
	free(again);
	toll_config_free(config);
	toll_findings_release(&findings);
}

static void load(const struct parts *p)
{
	const struct toll_config_source source = { .locations = p->locations,
		                                   .location_count = p->location_count,
		                                   .sets = p->sets,
		                                   .set_count = p->set_count };
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	int err = toll_config_load(&source, test_types, &config, &findings);

	if (!err != (findings.errors == 0) || !err != (config != NULL))
		abort();
	if (!err) {
		char *yaml = print(config, false), *json = print(config, true);

		check_again(yaml, yaml);
		check_again(json, yaml);
		free(yaml);
		free(json);
	}
	toll_config_free(config);
	toll_findings_release(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parts p = { 0 };
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	set_variables();
	/* Reading files is not what is looked at, and some of them never end. */
	if (!strstr(text, "file")) {
		split(text, &p);
		load(&p);
	}
	for (size_t i = 0; i < p.location_count; i++)
		free((char *)(uintptr_t)p.locations[i]);
	free(text);
	return 0;
}
