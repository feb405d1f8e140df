/* SPDX-License-Identifier: Apache-2.0 */
/* prices_schema.c - `spantoll prices schema`: share/prices.schema.json, for editors. */
#include <stdio.h>

#include "cmd/spantoll/prices_verb.h"

/* The Makefile makes the file a run of string literals, one a line. */
static const char schema[] =
#include "cmd/prices.schema.json.h"
	;

int toll_prices_verb_schema(int argc, char **argv)
{
	const struct toll_option options[] = { TOLL_OPTION_END };
	const struct toll_usage usage = { "prices schema", NULL,
		                          "Prints the JSON Schema (2020-12) of price documents in "
		                          "format v1. Editors check and\n"
		                          "complete with it; in VS Code or any editor with "
		                          "yaml-language-server write, as first line,\n"
		                          "  # yaml-language-server: $schema=prices.schema.json\n",
		                          "Example: spantoll prices schema > prices.schema.json\n",
		                          options };
	int rc = toll_options_parse(&usage, argc, argv, NULL);

	if (rc >= 0)
		return rc;
	fputs(schema, stdout);
	return TOLL_EXIT_OK;
}
