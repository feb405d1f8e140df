/* SPDX-License-Identifier: Apache-2.0 */
/* verb_print_config.c - `spantoll print-config`: what is in force, defaults filled in. */
#include <stdio.h>

#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"

int toll_verb_print_config(int argc, char **argv)
{
	const char *path = NULL;
	const struct toll_option options[] = {
		{ "config", "FILE", "the configuration to print", .text = &path },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"print-config", "[FILE]",
		"Prints the configuration in force as YAML: variables expanded, all defaults "
		"filled in,\n"
		"secrets as \"[REDACTED]\". What is printed loads again.\n",
		"Exit status: 0, or 3 for a wrong configuration.\n", options
	};
	struct toll_config *config = NULL;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (!path && rest < argc)
		path = argv[rest];
	rc = toll_setup_load_or_explain("print-config", path, &config);
	if (rc == TOLL_EXIT_OK && toll_config_print(config, stdout) < 0)
		rc = TOLL_EXIT_FAILED;
	toll_config_free(config);
	return rc;
}
