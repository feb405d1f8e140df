/* SPDX-License-Identifier: Apache-2.0 */
/* actions.h - the list of actions on attributes that `attributes` and `resource` share: insert,
 * update, upsert, delete, hash, extract, convert, with the Collector's settings and meaning. */
#ifndef TOLL_TRANSFORM_ACTIONS_H
#define TOLL_TRANSFORM_ACTIONS_H

#include "base/error.h"
#include "config/schema.h"
#include "proto/batch.h"

enum toll_action_kind {
	TOLL_ACTION_INSERT = 0,
	TOLL_ACTION_UPDATE,
	TOLL_ACTION_UPSERT,
	TOLL_ACTION_DELETE,
	TOLL_ACTION_HASH,
	TOLL_ACTION_EXTRACT,
	TOLL_ACTION_CONVERT,
};

/* One entry of the list in YAML. */
struct toll_action_settings {
	struct toll_slice key;
	int action; /* enum toll_action_kind */
	struct toll_any value, default_value;
	struct toll_slice from_attribute, from_context, pattern, converted_type;
};

extern const struct toll_field toll_action_fields[];

/* list: of struct toll_action_settings; name: its key in the component ("actions"). */
void toll_actions_validate(const struct toll_group_list *list, const char *name,
                           struct toll_reporter *r);

struct toll_actions;

/* Of validated settings, which outlive it. */
int toll_actions_new(const struct toll_group_list *list, struct toll_actions **ret,
                     struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_actions *toll_actions_free(struct toll_actions *a); /* always returns NULL */

/* Before the first of up to `nodes` nodes of a batch: room for what these actions may add. */
void toll_actions_allow(const struct toll_actions *a, struct toll_batch *b, uint32_t nodes);

/* All actions in order, on one span or resource. An error: there was no memory for an edit; what
 * had to be removed may still be there, so the batch must not go on. */
int toll_actions_run(const struct toll_actions *a, struct toll_batch *b,
                     struct toll_node *n) TOLL_MUST_CHECK;

#endif
