/* SPDX-License-Identifier: Apache-2.0 */
/* setup.h - from a configuration file to a checked configuration, for every verb that takes one. */
#ifndef TOLL_CMD_SETUP_H
#define TOLL_CMD_SETUP_H

#include <stdbool.h>

#include "base/slice.h"
#include "config/config.h"

/* The types of all components of this program; made once, lives for ever. */
const struct toll_config_type *toll_setup_types(void);

/* Loads and checks, rules between components included; findings are left in *findings, which the
 * caller releases. */
int toll_setup_load_file(const char *path, struct toll_config **ret,
                         struct toll_findings *findings);
int toll_setup_load_text(struct toll_slice yaml, const char *name, struct toll_config **ret,
                         struct toll_findings *findings);

/* On stderr, coloured where somebody looks at it. */
void toll_setup_explain(const struct toll_findings *findings);

/* The same with findings on stderr; an enum toll_exit. verb: for "spantoll <verb>: ..." */
int toll_setup_load_or_explain(const char *verb, const char *path, struct toll_config **ret);

#endif
