/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - a tree -> YAML or JSON text that loads again as the same tree.
 *
 * A scalar that is plain is written as it stands in YAML ("5s"), and in JSON where it is a number
 * or a bool; all others are text, in which $ becomes $$: it would be expanded on reading. */
#ifndef TOLL_CONFIG_EMIT_H
#define TOLL_CONFIG_EMIT_H

#include <stdio.h>

#include "config/yaml_tree.h"

void toll_emit_yaml(FILE *out, const struct toll_yaml_node *root);
void toll_emit_json(FILE *out, const struct toll_yaml_node *root);

#endif
