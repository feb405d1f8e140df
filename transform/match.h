/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - include and exclude: which spans a processor applies to, with the Collector's settings
 * and meaning (internal/filter/filterconfig). All properties that are given must hold; of a list of
 * services, names, kinds or libraries one. */
#ifndef TOLL_TRANSFORM_MATCH_H
#define TOLL_TRANSFORM_MATCH_H

#include "base/error.h"
#include "config/schema.h"
#include "proto/batch.h"

enum toll_match_type { TOLL_MATCH_STRICT = 0, TOLL_MATCH_REGEXP };

struct toll_match_attribute {
	struct toll_slice key;
	struct toll_any value; /* NONE: any value */
};

struct toll_match_library {
	struct toll_slice name;
	struct toll_any version; /* NONE: any version */
};

struct toll_match_properties {
	int match_type; /* enum toll_match_type */
	struct toll_slice_list services, span_names, span_kinds;
	struct toll_group_list attributes, resources; /* of struct toll_match_attribute */
	struct toll_group_list libraries;             /* of struct toll_match_library */
};

struct toll_match_settings {
	bool has_include, has_exclude;
	struct toll_match_properties include, exclude;
};

extern const struct toll_field toll_match_fields[];

/* clang-format off */
/* The two entries for the field table of a component. */
#define TOLL_MATCH_FIELDS(conf, member)                                                         \
	{ .name = "include", .type = TOLL_FIELD_GROUP, .offset = offsetof(conf, member.include), \
	  .help = "Only spans with these properties.", .group = toll_match_fields,               \
	  .present = offsetof(conf, member.has_include) },                                       \
	{ .name = "exclude", .type = TOLL_FIELD_GROUP, .offset = offsetof(conf, member.exclude), \
	  .help = "But not spans with these.", .group = toll_match_fields,                       \
	  .present = offsetof(conf, member.has_exclude) }
/* clang-format on */

/* prefix: where include and exclude are in the component, "" or "spans::". */
void toll_match_validate(const struct toll_match_settings *set, const char *prefix,
                         struct toll_reporter *r);

/* "SPAN_KIND_SERVER" of OTLP's SpanKind. */
const char *toll_span_kind_name(uint8_t kind);

struct toll_match;

/* Of validated settings, which outlive it. */
int toll_match_new(const struct toll_match_settings *set, struct toll_match **ret,
                   struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_match *toll_match_free(struct toll_match *m); /* always returns NULL */

/* What is known of the resource and scope that were looked at last. One per batch, {0} at first. */
struct toll_match_memo {
	struct {
		uint32_t resource, scope; /* index + 1; 0: none */
		bool resource_fits, scope_fits;
	} side[2];
};

/* Included and not excluded. */
bool toll_match_span(const struct toll_match *m, const struct toll_batch *b,
                     const struct toll_span *s, struct toll_match_memo *memo);

#endif
