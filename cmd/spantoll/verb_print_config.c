/* SPDX-License-Identifier: Apache-2.0 */
/* verb_print_config.c - `spantoll print-config`: what is in force, defaults filled in. */
#include <stdio.h>

#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"

int toll_verb_print_config(int argc, char **argv)
{
	struct toll_setup_flags flags = { 0 };
	const struct toll_option options[] = {
		TOLL_SETUP_OPTIONS(&flags),
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"print-config", "[FILE...]",
		"Prints the configuration in force as YAML: variables expanded, all defaults "
		"filled in,\n"
		"secrets as \"[REDACTED]\". What is printed loads again.\n",
		"Exit status: 0, or 3 for a wrong configuration.\n", options
	};
	struct toll_config *config = NULL;
	struct toll_config_source source;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	rc = toll_setup_take_rest(&flags, "print-config", argc, argv, rest);
	if (rc >= 0)
		return rc;
	source = toll_setup_source(&flags);
	rc = toll_setup_load_or_explain(&source, &config);
	if (rc == TOLL_EXIT_OK && toll_config_print(config, stdout) < 0)
		rc = TOLL_EXIT_FAILED;
	toll_config_free(config);
	return rc;
}
