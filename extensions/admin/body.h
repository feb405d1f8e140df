/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the small JSON objects that changes are asked with. */
#ifndef TOLL_EXTENSIONS_ADMIN_BODY_H
#define TOLL_EXTENSIONS_ADMIN_BODY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"

enum { TOLL_ADMIN_WORD_MAX = 200 }; /* bytes, of a text */

/* One member; text or flag says which type. Texts have room for TOLL_ADMIN_WORD_MAX + 1. */
struct toll_admin_member {
	const char *name; /* NULL ends the list */
	char *text;
	bool *flag;
	bool *given; /* may be NULL */
};

/* TOLL_EINVALID with a sentence: no JSON object, a member that is not on the list, twice, too long,
 * or of another type. Members that are not there stay as they are. */
int toll_admin_read_body(struct toll_slice json, const struct toll_admin_member *members,
                         struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
