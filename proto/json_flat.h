/* SPDX-License-Identifier: Apache-2.0 */
/* json_flat.h - the members of the outermost object of a small JSON text, one by one, without
 * memory: for the JSON that instrumentations put into attribute values.
 *
 * Not a validator: of malformed text the members before the fault are seen. Inner objects and
 * arrays are passed over at any depth. A name with an escape in it is nobody's name here. */
#ifndef TOLL_PROTO_JSON_FLAT_H
#define TOLL_PROTO_JSON_FLAT_H

#include <stdbool.h>

#include "base/slice.h"

struct toll_json_flat {
	const char *at, *end;
};

struct toll_json_member {
	struct toll_slice name;
	struct toll_slice value; /* as it is written: a string with its quotes */
};

struct toll_json_flat toll_json_flat_of(struct toll_slice text);
/* False: there are no more. */
bool toll_json_flat_next(struct toll_json_flat *j, struct toll_json_member *ret);

#endif
