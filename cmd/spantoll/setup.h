/* SPDX-License-Identifier: Apache-2.0 */
/* setup.h - from the flags of a command line to a checked configuration, for every verb that takes
 * one. */
#ifndef TOLL_CMD_SETUP_H
#define TOLL_CMD_SETUP_H

#include <stdbool.h>

#include "base/slice.h"
#include "cmd/spantoll/options.h"
#include "config/config.h"

/* The types of all components of this program; made once, lives for ever. */
const struct toll_config_type *toll_setup_types(void);

/* What the flags below gather; {0} to begin with. */
struct toll_setup_flags {
	struct toll_option_list config, set;
	const char *gates;
	bool unchecked; /* see struct toll_config_source */
};

/* The Collector's flags for a configuration, for a verb's table of options. */
/* clang-format off */
#define TOLL_SETUP_OPTIONS(flags)                                                                  \
	{ "config", "LOCATION", "FILE, file:PATH, env:NAME or yaml:TEXT; repeat it to merge more",  \
	  .list = &(flags)->config },                                                               \
	{ "set", "KEY=VALUE", "one setting, over all files: processors.batch.timeout=2s",           \
	  .list = &(flags)->set },                                                                  \
	{ "feature-gates", "LIST", "the Collector's; there are none here: noted, no effect",        \
	  .text = &(flags)->gates }
/* clang-format on */

/* Adds what follows the flags (argv[rest] ...) to the locations. Returns -1 to go on, else the
 * status to exit with: usage, when there is no location. */
int toll_setup_take_rest(struct toll_setup_flags *flags, const char *verb, int argc, char **argv,
                         int rest);

/* The same locations and sets may be loaded again: borrows flags. */
struct toll_config_source toll_setup_source(const struct toll_setup_flags *flags);

/* Loads and checks, rules between components included; findings are left in *findings, which the
 * caller releases. 0, or negative with errors among the findings. */
int toll_setup_load(const struct toll_config_source *source, struct toll_config **ret,
                    struct toll_findings *findings);
int toll_setup_load_text(struct toll_slice yaml, const char *name, struct toll_config **ret,
                         struct toll_findings *findings);

/* On stderr, coloured where somebody looks at it. */
void toll_setup_explain(const struct toll_findings *findings);

/* toll_setup_load() with findings on stderr; an enum toll_exit. */
int toll_setup_load_or_explain(const struct toll_config_source *source, struct toll_config **ret);

#endif
