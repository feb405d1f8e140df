/* SPDX-License-Identifier: Apache-2.0 */
/* edit.h - change the attributes of a span, scope or resource without touching the wire bytes.
 *
 * Before sealing only, one thread. Each function keeps the attribute views in step, so that the
 * next processor sees the change. All fail with TOLL_ENOMEM or TOLL_ETOOBIG (the arena's limit) and
 * then change nothing. Keys and values are copied. */
#ifndef TOLL_PROTO_EDIT_H
#define TOLL_PROTO_EDIT_H

#include "proto/batch.h"

int toll_node_set_str(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                      struct toll_slice value) TOLL_MUST_CHECK;
int toll_node_set_int(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                      int64_t value) TOLL_MUST_CHECK;
int toll_node_set_double(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                         double value) TOLL_MUST_CHECK;
int toll_node_set_bool(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                       bool value) TOLL_MUST_CHECK;
/* any: an encoded AnyValue, as toll_attr_value() gives it. */
int toll_node_set_any(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                      struct toll_slice any) TOLL_MUST_CHECK;
/* Replaces the value of an attribute that is there. */
int toll_attr_set_str(struct toll_batch *b, struct toll_node *n, struct toll_attr *a,
                      struct toll_slice value) TOLL_MUST_CHECK;
int toll_attr_delete(struct toll_batch *b, struct toll_node *n,
                     struct toll_attr *a) TOLL_MUST_CHECK;

/* Several attributes in one go, encoded by the caller with proto/wire.h: for the hot path. The
 * bytes are copied; they must be well-formed fields of n->attr_tag. Keys that are there already
 * must have been deleted before. *ret_copy (may be NULL): where the copy lies, so that a template's
 * numbers can be filled in. */
int toll_node_append(struct toll_batch *b, struct toll_node *n, struct toll_slice encoded,
                     char **ret_copy) TOLL_MUST_CHECK;

/* Replaces what the span's tracestate is; copied. */
int toll_span_set_trace_state(struct toll_batch *b, struct toll_span *s,
                              struct toll_slice text) TOLL_MUST_CHECK;

/* Processors may add so many bytes to this batch besides what every batch is allowed: for edits
 * whose number the user's settings bound. */
void toll_batch_allow(struct toll_batch *b, size_t bytes);

/* After the attributes of a resource changed: what the batch knows of it by name. */
void toll_resource_changed(struct toll_resource *r);

#endif
