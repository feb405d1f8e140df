/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - field tables at work: presets and the nodes of a tree -> a checked C struct. */
#ifndef TOLL_CONFIG_PARSE_H
#define TOLL_CONFIG_PARSE_H

#include "base/arena.h"
#include "config/config.h"
#include "config/schema.h"
#include "config/yaml_tree.h"

/* Where in the file somebody is, as "exporters::kafka::topic"; up is NULL at the top. */
struct toll_yaml_path {
	const struct toll_yaml_path *up;
	struct toll_slice name;
};

struct toll_parser {
	struct toll_arena *arena;
	struct toll_findings *findings;
	const char *file;                  /* for what has no place of its own */
	const struct toll_yaml_node *root; /* all files together, NULL while there is none */
	int err;                           /* TOLL_ENOMEM: what was filled in is not complete */
};

/* Zeroes nothing: config is zeroed by the caller. Presets of all fields, groups included. */
void toll_fields_preset(struct toll_parser *p, const struct toll_field *fields, void *config);

/* Presets, then what entry->value (a mapping or null) says. Faults become findings. */
void toll_fields_parse(struct toll_parser *p, const struct toll_field *fields,
                       const struct toll_yaml_entry *entry, const struct toll_yaml_path *path,
                       void *config);

/* A finding at a key. */
void toll_parser_report(struct toll_parser *p, enum toll_severity severity, struct toll_place at,
                        const struct toll_yaml_path *path, const char *fmt, ...) TOLL_PRINTF(5, 6);
#define TOLL_PLACE_OF(x) ((struct toll_place){ (x)->file, (x)->line, (x)->column })
#define toll_parser_error(p, entry, path, ...) \
	toll_parser_report((p), TOLL_FINDING_ERROR, TOLL_PLACE_OF(entry), (path), __VA_ARGS__)
#define toll_parser_warning(p, entry, path, ...) \
	toll_parser_report((p), TOLL_FINDING_WARNING, TOLL_PLACE_OF(entry), (path), __VA_ARGS__)

/* "unknown key, did you mean ..."; names: NULL-terminated. */
void toll_parser_unknown(struct toll_parser *p, const struct toll_yaml_entry *entry,
                         const struct toll_yaml_path *path, const char *const *names);

/* How findings for a validate() function find their line: see toll_report_error. */
struct toll_reporter {
	struct toll_parser *parser;
	const struct toll_yaml_entry *entry; /* the component's; its value may be NULL */
	const struct toll_yaml_path *path;
};

#endif
