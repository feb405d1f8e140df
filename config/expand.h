/* SPDX-License-Identifier: Apache-2.0 */
/* expand.h - ${env:NAME}, ${env:NAME:-default}, ${NAME}, ${file:PATH}, ${yaml:TEXT} and $$ in the
 * values of a tree, as the Collector does.
 *
 * A value that is one ${...} becomes what the variable holds, read as YAML; inside of other text it
 * becomes text. What a variable or file holds is expanded as well; coming back to where one is
 * already is an error. An unset variable is null, with a warning. An odd number of $ before { makes
 * it plain text with half of them. Keys are never expanded. */
#ifndef TOLL_CONFIG_EXPAND_H
#define TOLL_CONFIG_EXPAND_H

#include "base/arena.h"
#include "config/uri.h"
#include "config/yaml_tree.h"

/* Changes the tree in place; notes the files it reads. 0, TOLL_ECONFIG (with a finding) or
 * TOLL_ENOMEM. */
int toll_expand(struct toll_yaml_node *root, struct toll_arena *arena,
                struct toll_findings *findings, struct toll_uri_files *files) TOLL_MUST_CHECK;

#endif
