/* SPDX-License-Identifier: Apache-2.0 */
/* tree_build.h - what a reader of YAML or JSON builds a tree of yaml_tree.h with: it tells of
 * values in the order of the text; limits, duplicate keys and "<<" are looked after here. */
#ifndef TOLL_CONFIG_TREE_BUILD_H
#define TOLL_CONFIG_TREE_BUILD_H

#include "config/yaml_tree.h"

/* A list or mapping whose end has not come yet. */
struct toll_tree_frame {
	struct toll_yaml_node *node;
	size_t first;          /* of its entries among the pending */
	struct toll_slice key; /* MAP: the key that waits for its value */
	unsigned line, column; /* of that key */
	bool has_key;
};

struct toll_tree_builder {
	const struct toll_yaml_input *in;
	size_t max_bytes;
	uint32_t max_nodes;
	bool merges;                     /* "<<" is no ordinary key */
	struct toll_yaml_entry *pending; /* children of the open frames */
	size_t pending_count, pending_room;
	struct toll_tree_frame frames[TOLL_YAML_MAX_DEPTH];
	unsigned depth;
	uint32_t nodes;
	struct toll_yaml_node *root; /* NULL: nothing has been told of */
	int err;                     /* once set, nothing more is to be told */
};

/* Where a value begins; from 1. */
struct toll_tree_mark {
	unsigned line, column;
};

/* The limits of the input, or the usual ones. TOLL_ECONFIG (with a finding): the text is too large;
 * TOLL_ENOMEM. The builder is released in either case. */
int toll_tree_init(struct toll_tree_builder *b, const struct toll_yaml_input *in) TOLL_MUST_CHECK;
void toll_tree_release(struct toll_tree_builder *b);

/* These return the node, NULL with b->err set. A scalar is copied. */
struct toll_yaml_node *toll_tree_scalar(struct toll_tree_builder *b, enum toll_yaml_kind kind,
                                        struct toll_slice text, bool plain,
                                        struct toll_tree_mark at);
struct toll_yaml_node *toll_tree_open(struct toll_tree_builder *b, enum toll_yaml_kind kind,
                                      struct toll_tree_mark at);
/* Ends the innermost open list or mapping. */
void toll_tree_close(struct toll_tree_builder *b, struct toll_tree_mark at);
/* A whole node once more; one that is open has weight 0 and may not come here. */
void toll_tree_again(struct toll_tree_builder *b, struct toll_yaml_node *node,
                     struct toll_tree_mark at);

/* A finding, where findings are wanted; fail also sets b->err. */
void toll_tree_fail(struct toll_tree_builder *b, struct toll_tree_mark at, const char *fmt, ...)
	TOLL_PRINTF(3, 4);

#endif
