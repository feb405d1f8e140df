/* SPDX-License-Identifier: Apache-2.0 */
/* field_walk.h - every setting of every component that is used, for rules that look at a kind of
 * setting wherever it stands: names of extensions, addresses, certificates. */
#ifndef TOLL_CMD_FIELD_WALK_H
#define TOLL_CMD_FIELD_WALK_H

#include "config/config.h"

struct toll_field_seen {
	const struct toll_config_component *component;
	const struct toll_field *field;
	const void *value; /* of the field's type; of a GROUP the struct around its fields */
	const char *path;  /* below the component: "protocols::grpc::tls"; for this call only */
};

/* Groups come before what is in them. Left out: groups that are not given, those in lists, and what
 * is known only by name (.later, .alias_of). */
void toll_field_walk(const struct toll_config *config,
                     void (*visit)(void *ctx, const struct toll_field_seen *seen), void *ctx);

/* A finding at the line of a setting. below: of a GROUP, the setting in it that is meant, or "". */
void toll_field_finding(struct toll_findings *findings, enum toll_severity severity,
                        const struct toll_field_seen *at, const char *below, const char *fmt, ...)
	TOLL_PRINTF(5, 6);

/* The STRING of this name in a GROUP; "" where there is none or it is empty. */
struct toll_slice toll_field_string(const struct toll_field_seen *group, const char *name);

#endif
