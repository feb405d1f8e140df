/* SPDX-License-Identifier: Apache-2.0 */
/* ottl.h - conditions on spans in a subset of the OpenTelemetry Transformation Language: compiled
 * once, evaluated without allocation. Comparison rules: pkg/ottl/LANGUAGE.md. The subset is listed
 * in processors/filter/README.md. */
#ifndef TOLL_TRANSFORM_OTTL_H
#define TOLL_TRANSFORM_OTTL_H

#include "base/error.h"
#include "proto/batch.h"

/* What a path without a first word ("attributes") is about. */
enum toll_ottl_context {
	TOLL_OTTL_SPAN = 0,
	TOLL_OTTL_RESOURCE,
	TOLL_OTTL_NONE, /* such a path is an error: "span." or "resource." must stand before it */
};

struct toll_ottl;

/* TOLL_ECONFIG with a sentence that begins with the position; TOLL_ENOMEM. text is copied. */
int toll_ottl_new(struct toll_slice text, enum toll_ottl_context context, struct toll_ottl **ret,
                  struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_ottl *toll_ottl_free(struct toll_ottl *o); /* always returns NULL */

enum toll_ottl_result {
	TOLL_OTTL_FALSE = 0,
	TOLL_OTTL_TRUE,
	TOLL_OTTL_ERROR, /* this span has nothing that the condition can be asked of */
};

/* Any thread. *ret_why (may be NULL): of an error, a static sentence. */
enum toll_ottl_result toll_ottl_eval(const struct toll_ottl *o, const struct toll_batch *b,
                                     const struct toll_span *s, const char **ret_why);

#endif
