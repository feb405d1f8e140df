/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_tree.h - YAML text -> a tree in an arena that remembers the line and column of everything.
 *
 * One document. Anchors share nodes, so a tree may hold the same node in several places; size and
 * depth are counted as if each place had its own copy, and bounded: no alias can blow up a walk. */
#ifndef TOLL_CONFIG_YAML_TREE_H
#define TOLL_CONFIG_YAML_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

#define TOLL_YAML_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define TOLL_YAML_MAX_NODES 100000u
#define TOLL_YAML_MAX_DEPTH 64u

struct toll_findings;

enum toll_yaml_kind { TOLL_YAML_NULL = 0, TOLL_YAML_SCALAR, TOLL_YAML_LIST, TOLL_YAML_MAP };

struct toll_yaml_node;

/* A key and its value; in lists the key is empty. */
struct toll_yaml_entry {
	struct toll_slice key; /* NUL-terminated */
	const char *file;      /* of the key; NULL: nowhere */
	unsigned line, column; /* of the key; in lists of the value */
	struct toll_yaml_node *value;
};

struct toll_yaml_node {
	enum toll_yaml_kind kind;
	bool plain;             /* SCALAR: written without quotes or tag */
	bool expanded;          /* expand.c has been here */
	const char *file;       /* as toll_yaml_input.file */
	unsigned line, column;  /* from 1; 0: the file has no lines (--set) */
	struct toll_slice text; /* SCALAR; NUL-terminated */
	/* What a ${...} that made this node stood for, as text; ptr NULL: no such thing. */
	struct toll_slice source;
	struct toll_yaml_entry *entries; /* LIST, MAP */
	size_t count;
	uint32_t weight; /* nodes in this tree, aliases counted where they stand; 0: still open */
	uint32_t height; /* levels; 1 for a scalar */
};

struct toll_yaml_input {
	struct toll_slice text;
	const char *file; /* for the findings; outlives them */
	struct toll_arena *arena;
	struct toll_findings *findings; /* NULL: the first fault ends it, silently */
	bool fixed;                     /* every node claims to be at this line and column */
	unsigned line, column;
	/* 0: TOLL_YAML_MAX_BYTES, TOLL_YAML_MAX_NODES. A node takes up to 150 bytes and its text.
	 */
	size_t max_bytes;
	uint32_t max_nodes; /* at most UINT32_MAX / 2 */
};

/* 0 and a tree that may lack what findings complains about, or TOLL_ECONFIG, TOLL_ENOMEM. */
int toll_yaml_parse(const struct toll_yaml_input *in, struct toll_yaml_node **ret) TOLL_MUST_CHECK;

/* The value of a key, NULL when absent or when node is no mapping. */
struct toll_yaml_entry *toll_yaml_find(const struct toll_yaml_node *node, const char *key);

/* Just the value: NULL when the key is not there. */
const struct toll_yaml_node *toll_yaml_value(const struct toll_yaml_node *node, const char *key);

/* weight and height from the children; false when over one of the usual limits. */
bool toll_yaml_measure(struct toll_yaml_node *node);

/* Absent as far as settings go: no node, or null. */
bool toll_yaml_is_null(const struct toll_yaml_node *node);

/* "a mapping", "a list", "null" or "text": for messages. */
const char *toll_yaml_kind_text(const struct toll_yaml_node *node);

#endif
