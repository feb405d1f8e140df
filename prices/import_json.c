/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/import_json.h"

enum { MAX_DEPTH = 32 };

static struct json_object *refuse(const struct toll_import *im, int code, const char *why,
                                  int *ret_err, struct toll_error *reterr)
{
	*ret_err = toll_fail(reterr, code, "%s: %s", im->name, why);
	return NULL;
}

static struct json_object *check(const struct toll_import *im, struct json_tokener *tokener,
                                 struct json_object *document, enum json_type type, int *ret_err,
                                 struct toll_error *reterr)
{
	enum json_tokener_error why = json_tokener_get_error(tokener);

	if (!document && why == json_tokener_continue)
		return refuse(im, TOLL_EINVALID, "ends in the middle of the JSON document", ret_err,
		              reterr);
	if (!document && why != json_tokener_success)
		return refuse(im, TOLL_EINVALID, json_tokener_error_desc(why), ret_err, reterr);
	if (!json_object_is_type(document, type)) {
		json_object_put(document);
		return refuse(im, TOLL_EINVALID,
		              type == json_type_array ? "is no such list: must be a JSON array"
		                                      : "is no such list: must be a JSON object",
		              ret_err, reterr);
	}
	return document;
}

struct json_object *toll_import_parse(const struct toll_import *im, struct toll_slice text,
                                      enum json_type type, int *ret_err, struct toll_error *reterr)
{
	struct json_tokener *tokener;
	struct json_object *document;

	if (text.len > TOLL_IMPORT_MAX_BYTES)
		return refuse(im, TOLL_ETOOBIG,
		              "is larger than what is read at once (32 MiB); take the list of one "
		              "region, or a CSV of the rows you need",
		              ret_err, reterr);
	tokener = json_tokener_new_ex(MAX_DEPTH);
	if (!tokener)
		return refuse(im, TOLL_ENOMEM, "out of memory", ret_err, reterr);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	document = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);
	document = check(im, tokener, document, type, ret_err, reterr);
	json_tokener_free(tokener);
	return document;
}

struct json_object *toll_import_member(struct json_object *o, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(o, json_type_object))
		return NULL;
	json_object_object_get_ex(o, name, &value);
	return value;
}

struct toll_slice toll_import_text(struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_string:
		return toll_slice(json_object_get_string(o), (size_t)json_object_get_string_len(o));
	case json_type_int:
	case json_type_double:
		return toll_slice_str(json_object_get_string(o));
	default:
		return toll_slice(NULL, 0);
	}
}

struct toll_slice toll_import_member_text(struct json_object *o, const char *name)
{
	return toll_import_text(toll_import_member(o, name));
}

struct toll_slice toll_import_lower(struct toll_slice s, char *buf, size_t size)
{
	size_t len = s.len < size ? s.len : size;

	for (size_t i = 0; i < len; i++)
		buf[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] + 32 : s.ptr[i]);
	return toll_slice(buf, len);
}
