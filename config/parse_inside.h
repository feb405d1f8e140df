/* SPDX-License-Identifier: Apache-2.0 */
/* parse_inside.h - what parse.c (tables), parse_scalar.c and parse_list.c (values) share. */
#ifndef TOLL_CONFIG_PARSE_INSIDE_H
#define TOLL_CONFIG_PARSE_INSIDE_H

#include "config/parse.h"

/* One value on its way into its place. */
struct toll_spot {
	struct toll_parser *parser;
	const struct toll_field *field;
	const struct toll_yaml_node *node;
	const struct toll_yaml_entry *entry; /* for its line */
	const struct toll_yaml_path *path;
	void *to; /* field->offset already added */
};

/* ---- parse_scalar.c ---- */

/* "... is what is wrong with it": shows the value, but never a secret. */
void toll_spot_refuse(const struct toll_spot *s, struct toll_slice value, const char *why);
/* Nothing was said. A variable that holds, say, "#1" is null to YAML, but a value to its user. */
bool toll_spot_is_absent(const struct toll_yaml_node *node);
/* What a node says as text: for ${...} what it stood for, whatever YAML makes of that. */
bool toll_spot_text(const struct toll_spot *s, const struct toll_yaml_node *node,
                    struct toll_slice *ret);
/* A copy that lives as long as the configuration, NUL-terminated behind its end. */
struct toll_slice toll_spot_keep(const struct toll_spot *s, struct toll_slice text);

void toll_spot_set_scalar(const struct toll_spot *s);
void toll_spot_set_any(const struct toll_spot *s);

/* ---- parse_list.c ---- */

void toll_spot_set_list(const struct toll_spot *s);
void toll_spot_set_map(const struct toll_spot *s);
void toll_spot_set_groups(const struct toll_spot *s);

#endif
