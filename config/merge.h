/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h - several YAML trees -> one, by the Collector's rules: mappings are joined key by key,
 * anything else (lists, values, null) of the later tree replaces what the earlier one has. So
 * "processors:" in a later file takes all processors away, and "processors: {}" keeps them. */
#ifndef TOLL_CONFIG_MERGE_H
#define TOLL_CONFIG_MERGE_H

#include "config/yaml_tree.h"

/* A tree in which over wins; it shares nodes with both, which are not changed. NULL with *ret_err:
 * TOLL_ENOMEM, or TOLL_ETOOBIG for a tree over yaml_tree.h's limits. */
struct toll_yaml_node *toll_yaml_merge(struct toll_arena *arena, struct toll_yaml_node *base,
                                       struct toll_yaml_node *over, int *ret_err) TOLL_MUST_CHECK;

/* {"a::b": v} -> {a: {b: v}}: keys of the outermost mapping are split at "::", in their order. The
 * same node when there are none. NULL as above. */
struct toll_yaml_node *toll_yaml_split_keys(struct toll_arena *arena, struct toll_yaml_node *root,
                                            int *ret_err) TOLL_MUST_CHECK;

#endif
