/* SPDX-License-Identifier: Apache-2.0 */
/* verb_print_config.c - `spantoll print-config`: what is in force, defaults filled in. */
#include <stdio.h>
#include <strings.h>

#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"

/* How to print; -1, or the status to exit with: a word that is none. */
static int read_how(const char *format, const char *mode, struct toll_print_how *ret)
{
	ret->json = strcasecmp(format, "json") == 0;
	ret->reveal = strcasecmp(mode, "unredacted") == 0;
	if (!ret->json && strcasecmp(format, "yaml") != 0)
		fprintf(stderr, "spantoll print-config: --format: \"%s\" is none of yaml, json\n",
		        format);
	else if (!ret->reveal && strcasecmp(mode, "redacted") != 0)
		fprintf(stderr,
		        "spantoll print-config: --mode: \"%s\" is none of redacted, unredacted\n",
		        mode);
	else
		return -1;
	return TOLL_EXIT_USAGE;
}

static int print(const struct toll_setup_flags *flags, const struct toll_print_how *how)
{
	struct toll_config_source source = toll_setup_source(flags);
	struct toll_config *config = NULL;
	int rc = toll_setup_load_or_explain(&source, &config);

	if (rc == TOLL_EXIT_OK && toll_config_print(config, how, stdout) < 0)
		rc = TOLL_EXIT_FAILED;
	toll_config_free(config);
	return rc;
}

int toll_verb_print_config(int argc, char **argv)
{
	const char *format = "yaml", *mode = "redacted";
	struct toll_setup_flags flags = { 0 };
	struct toll_print_how how;
	bool validate = true;
	const struct toll_option options[] = {
		TOLL_SETUP_OPTIONS(&flags),
		{ "format", "FORMAT", "yaml or json", .text = &format },
		{ "mode", "MODE", "redacted, or unredacted: with all secrets", .text = &mode },
		{ "validate", NULL,
		  "on; --validate=false prints what is understood in spite of errors",
		  .flag = &validate },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"print-config", "[FILE...]",
		"Prints the configuration in force: all files and flags merged, variables "
		"expanded, all\n"
		"defaults filled in, secrets as \"[REDACTED]\". What is printed loads again.\n"
		"print-initial-config is the same.\n",
		"Exit status: 0, or 3 for a wrong configuration.\n", options
	};
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc < 0)
		rc = read_how(format, mode, &how);
	if (rc < 0)
		rc = toll_setup_take_rest(&flags, "print-config", argc, argv, rest);
	if (rc >= 0)
		return rc;
	flags.unchecked = !validate;
	return print(&flags, &how);
}
