/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - the locations and sets of a command line -> one tree, merged; not expanded yet. */
#ifndef TOLL_CONFIG_SOURCE_H
#define TOLL_CONFIG_SOURCE_H

#include "config/config.h"
#include "config/uri.h"
#include "config/yaml_tree.h"

/* What the readers of a tree share; everything lives in the arena. */
struct toll_source {
	struct toll_arena *arena;
	struct toll_findings *findings;
	struct toll_uri_files *files;
	struct toll_yaml_node *tree; /* so far; NULL: nothing was said yet */
};

/* These merge what they read over s->tree. 0 (a fault may have become a finding), or TOLL_ECONFIG
 * (with a finding), TOLL_ENOMEM: it cannot go on. */
int toll_source_location(struct toll_source *s, const char *location) TOLL_MUST_CHECK;
int toll_source_set(struct toll_source *s, const char *set) TOLL_MUST_CHECK;
int toll_source_text(struct toll_source *s, struct toll_slice yaml,
                     const char *file) TOLL_MUST_CHECK;

/* How findings call a location: the path of a file, "env:NAME", the key of a "yaml:". In the arena;
 * NULL: out of memory. */
const char *toll_source_name(struct toll_arena *arena, const char *location);

#endif
