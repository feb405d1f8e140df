/* SPDX-License-Identifier: Apache-2.0 */
/* expand.h - ${env:NAME}, ${env:NAME:-default}, ${NAME}, ${file:PATH} and $$ in the values of a
 * tree.
 *
 * A value that is one ${...} becomes what the variable holds, read as YAML (as the Collector does);
 * inside of other text it becomes text. What a variable or file holds is not expanded again. An
 * unset variable is null, with a warning. Keys are never expanded. */
#ifndef TOLL_CONFIG_EXPAND_H
#define TOLL_CONFIG_EXPAND_H

#include "base/arena.h"
#include "config/yaml_tree.h"

/* Changes the tree in place. 0, TOLL_ECONFIG (with a finding) or TOLL_ENOMEM. */
int toll_expand(struct toll_yaml_node *root, const char *file, struct toll_arena *arena,
                struct toll_findings *findings) TOLL_MUST_CHECK;

#endif
