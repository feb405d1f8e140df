/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what users write about one exporter, through the real configuration. */
#ifndef TOLL_TESTS_SETTINGS_H
#define TOLL_TESTS_SETTINGS_H

#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "tests/unit/unit.h"

static char said[8192]; /* what was found */

/* An exporter of this type by its alias, where it has one; fmt: its settings, four spaces deep.
 * NULL when refused. One type a program. */
__attribute__((format(printf, 2, 3))) static inline struct toll_config *
load_exporter(const struct toll_config_type *exporter, const char *fmt, ...)
{
	static const struct toll_field no_fields[] = { TOLL_FIELD_END };
	static struct toll_config_type types[] = { { .section = TOLL_SECTION_RECEIVERS,
		                                     .type = "nop",
		                                     .help = "Nothing.",
		                                     .stability = "beta",
		                                     .fields = no_fields },
		                                   { .type = NULL },
		                                   { .type = NULL } };
	const char *name = exporter->alias ? exporter->alias : exporter->type;
	struct toll_findings findings = { 0 };
	struct toll_config *c = NULL;
	FILE *out = fmemopen(said, sizeof(said), "w");
	char *settings = NULL, *yaml = NULL;
	va_list args;

	types[1] = *exporter;
	va_start(args, fmt);
	assert_true(vasprintf(&settings, fmt, args) > 0);
	va_end(args);
	assert_true(asprintf(&yaml,
	                     "receivers: {nop: }\nexporters:\n  %s:\n%s\nservice:\n"
	                     "  pipelines:\n    traces: {receivers: [nop], exporters: [%s]}\n",
	                     name, settings, name) > 0);
	(void)toll_config_load_text(toll_slice_str(yaml), "c.yaml", types, &c, &findings);
	said[0] = '\0';
	toll_findings_print(&findings, out);
	fclose(out);
	toll_findings_release(&findings);
	free(settings);
	free(yaml);
	return c;
}

#endif
