/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - what a component may be told in YAML: one table drives parser, defaults and docs.
 *
 * A component lists its settings once, as an array of toll_field. From that array come the checked
 * C struct, the defaults, "did you mean", print-config and docs/configuration.md. */
#ifndef TOLL_CONFIG_SCHEMA_H
#define TOLL_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum toll_field_type {
	TOLL_FIELD_BOOL = 0, /* bool */
	TOLL_FIELD_INT,      /* int64_t, see .min .max */
	TOLL_FIELD_SIZE,     /* uint64_t bytes: 1000000, "4MiB", "64KB" */
	TOLL_FIELD_DURATION, /* uint64_t nanoseconds, Go syntax: "200ms", "1h30m"; 0 */
	TOLL_FIELD_MONEY,    /* int64_t picodollars: decimal text, never a double, never negative */
	TOLL_FIELD_RATIO,    /* double, see .min .max (in thousandths) */
	TOLL_FIELD_STRING,   /* struct toll_slice, NUL-terminated behind its end; "" when absent */
	TOLL_FIELD_SECRET,   /* as STRING, but print-config and logs show "[REDACTED]" */
	TOLL_FIELD_ENUM,     /* int: index into .choices; case does not count */
	TOLL_FIELD_LIST, /* struct toll_slice_list: a sequence of scalars, or one split at commas */
	TOLL_FIELD_MAP,  /* struct toll_pair_list: a mapping of scalars, see .secret */
	TOLL_FIELD_GROUP,  /* nested mapping, see .group: a struct inside the struct */
	TOLL_FIELD_GROUPS, /* struct toll_group_list: a sequence of mappings, see .group,
	                      .group_size */
	TOLL_FIELD_ANY,    /* struct toll_any: a single value of the type that YAML sees in it */
};

enum toll_any_type {
	TOLL_ANY_NONE = 0, /* absent or null */
	TOLL_ANY_BOOL,
	TOLL_ANY_INT,
	TOLL_ANY_DOUBLE,
	TOLL_ANY_STRING,
};

struct toll_any {
	enum toll_any_type type;
	struct toll_slice text; /* as written; NUL-terminated */
	bool boolean;
	int64_t integer;
	double number;
};

struct toll_slice_list {
	const struct toll_slice *at;
	size_t count;
};

struct toll_pair {
	struct toll_slice key, value;
};

struct toll_pair_list {
	const struct toll_pair *at;
	size_t count;
};

struct toll_group_list {
	const void *at; /* count elements of .group_size bytes */
	size_t count;
};

struct toll_field {
	const char *name;
	enum toll_field_type type;
	size_t offset; /* into the enclosing config struct */
	/* Default, as a user would write it (single values need no quotes: "*"); NULL: zero, "". */
	const char *preset;
	const char *help; /* one sentence; goes to docs/configuration.md */
	const struct toll_field *group;
	size_t group_size;          /* of one element of GROUPS */
	const char *const *choices; /* ENUM: NULL-terminated */
	/* INT, SIZE, DURATION (ns), MONEY (picodollars), RATIO (thousandths): both 0 means no
	 * bound, max < min means none above. */
	int64_t min, max;
	const char *alias_of; /* this older name sets that field (same table); deprecated */
	const char *later; /* known to the Collector, not here yet: a warning with this sentence */
	bool refused;      /* of a later one: an error, since ignoring it would be worse */
	bool required;     /* where the mapping around it is given */
	/* STRING: names an extension that service::extensions has to list, and that serves as this
	 * ("auth", pipeline/factory.h). */
	const char *extension;
	/* STRING: names an exporter of this type that a pipeline uses; empty: the only one there
	 * is. */
	const char *exporter;
	bool listens; /* STRING: where the component takes connections, host:port */
	bool secret;  /* LIST, MAP: its values are shown as "[REDACTED]" (tokens, headers) */
	/* GROUP: offset of a bool set when the key is there, even with null ("grpc:"); 0: none (the
	 * first member of a config struct can therefore not be such a bool). */
	size_t present;
};

/* Most fields: TOLL_FIELD(struct kafka_config, topic, STRING, "otel-cost-spans", "Where ..."),
 * further members by designated initialisers behind help: , .required = true. */
/* clang-format off */
#define TOLL_FIELD(conf, member, kind, preset_, help_, ...)                  \
	{ .name = #member, .type = TOLL_FIELD_##kind,                        \
	  .offset = offsetof(conf, member), .preset = (preset_), .help = (help_), ##__VA_ARGS__ }
/* A YAML name that differs from the member's. */
#define TOLL_FIELD_AS(name_, conf, member, kind, preset_, help_, ...)        \
	{ .name = (name_), .type = TOLL_FIELD_##kind,                        \
	  .offset = offsetof(conf, member), .preset = (preset_), .help = (help_), ##__VA_ARGS__ }
#define TOLL_FIELD_END { .name = NULL }
/* A Collector setting that we do not have (yet): accepted with a warning. */
#define TOLL_FIELD_LATER(name_, sentence) { .name = (name_), .later = (sentence) }
/* The same where going on without it would leave the user unprotected: an error. */
#define TOLL_FIELD_REFUSED(name_, sentence) \
	{ .name = (name_), .later = (sentence), .refused = true }
/* clang-format on */

/* A STRING that may be absent, as C libraries want it. */
static inline const char *toll_text_or_null(struct toll_slice s)
{
	return s.len ? s.ptr : NULL;
}

/* Do two structs filled by this table say the same? Texts are compared, not pointers; secrets too.
 */
bool toll_fields_equal(const struct toll_field *fields, const void *a, const void *b);

/* Where a rule that the table cannot say reports its findings; config/ knows the lines. */
struct toll_reporter;

/* path is relative to the component ("producer::max_message_bytes"; "" is the component itself). */
void toll_report_error(struct toll_reporter *r, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void toll_report_warning(struct toll_reporter *r, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
