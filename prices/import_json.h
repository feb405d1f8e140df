/* SPDX-License-Identifier: Apache-2.0 */
/* import_json.h - JSON price lists as trees of json-c, whose numbers keep their text. */
#ifndef TOLL_PRICES_IMPORT_JSON_H
#define TOLL_PRICES_IMPORT_JSON_H

#include <json-c/json.h>

#include "prices/import.h"

/* The list, whose outermost value must be of this type; the caller puts it. NULL: *ret_err, reterr.
 */
struct json_object *toll_import_parse(const struct toll_import *im, struct toll_slice text,
                                      enum json_type type, int *ret_err, struct toll_error *reterr);

/* A member of an object, NULL where there is none or o is no object (or NULL). */
struct json_object *toll_import_member(struct json_object *o, const char *name);
/* The text of a string or number; empty for anything else. Lives as long as the tree. */
struct toll_slice toll_import_text(struct json_object *o);
struct toll_slice toll_import_member_text(struct json_object *o, const char *name);
/* Lower-case copy in buf, cut at its size. */
struct toll_slice toll_import_lower(struct toll_slice s, char *buf, size_t size);

#endif
