/* SPDX-License-Identifier: Apache-2.0 */
/* json_tree.h - JSON text -> the same tree that YAML becomes, with the line and column of
 * everything.
 *
 * Strict JSON (RFC 8259) in UTF-8, a byte order mark before it allowed. Numbers and true, false are
 * plain scalars that keep their text; a key that comes twice is a finding. */
#ifndef TOLL_PRICES_JSON_TREE_H
#define TOLL_PRICES_JSON_TREE_H

#include "config/yaml_tree.h"

/* As toll_yaml_parse(); in->fixed does not count here. */
int toll_json_tree(const struct toll_yaml_input *in, struct toll_yaml_node **ret) TOLL_MUST_CHECK;

/* Does the text begin like a JSON object or array? */
bool toll_json_tree_is_json(struct toll_slice text);

#endif
