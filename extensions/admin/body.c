/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/admin/body.h"

#include <string.h>

#include "base/macro.h"
#include "config/suggest.h"
#include "proto/json_read.h"

struct reader {
	const struct toll_admin_member *members, *member; /* member: of the value that comes next */
	struct toll_error *reterr;
	unsigned depth, seen; /* seen: a bit for each member */
	bool told;            /* reterr says what is wrong */
};

static int tell(struct reader *r, const char *what, const char *name)
{
	toll_fail(r->reterr, TOLL_EINVALID, "%s%s%s%s", *name ? "\"" : "", name, *name ? "\" " : "",
	          what);
	r->told = true;
	return 0;
}

static int wrong_type(struct reader *r)
{
	if (r->depth == 0)
		return tell(r, "the body must be a JSON object", "");
	return tell(r, r->member->flag ? "must be true or false" : "must be a text",
	            r->member->name);
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *r = ctx;

	if (r->depth == 0 || !r->member->text)
		return wrong_type(r);
	if (len > TOLL_ADMIN_WORD_MAX || memchr(text, '\0', len))
		return tell(r, "is longer than 200 bytes, or holds a NUL", r->member->name);
	memcpy(r->member->text, text, len);
	r->member->text[len] = '\0';
	return 1;
}

static int on_boolean(void *ctx, int value)
{
	struct reader *r = ctx;

	if (r->depth == 0 || !r->member->flag)
		return wrong_type(r);
	*r->member->flag = value;
	return 1;
}

static int on_number(void *ctx, const char *text TOLL_UNUSED, size_t len TOLL_UNUSED)
{
	return wrong_type(ctx);
}

static int on_other(void *ctx)
{
	return wrong_type(ctx);
}

static int on_map(void *ctx)
{
	struct reader *r = ctx;

	if (r->depth)
		return wrong_type(r);
	r->depth = 1;
	return 1;
}

static int on_end(void *ctx)
{
	((struct reader *)ctx)->depth--;
	return 1;
}

static int unknown(struct reader *r, struct toll_slice name)
{
	struct toll_suggest s;

	toll_suggest_init(&s, name);
	for (const struct toll_admin_member *m = r->members; m->name; m++)
		toll_suggest_offer(&s, m->name);
	toll_fail(r->reterr, TOLL_EINVALID, "\"%.*s\" is no member of this%s%s%s",
	          (int)(name.len < 64 ? name.len : 64), name.ptr, s.best ? ", did you mean \"" : "",
	          s.best ? s.best : "", s.best ? "\"?" : "");
	r->told = true;
	return 0;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *r = ctx;
	struct toll_slice name = toll_slice(text, len);
	unsigned i = 0;

	while (r->members[i].name && !toll_slice_is(name, r->members[i].name))
		i++;
	if (!r->members[i].name)
		return unknown(r, name);
	if (r->seen & 1u << i)
		return tell(r, "is given twice", r->members[i].name);
	r->seen |= 1u << i;
	r->member = &r->members[i];
	if (r->member->given)
		*r->member->given = true;
	return 1;
}

int toll_admin_read_body(struct toll_slice json, const struct toll_admin_member *members,
                         struct toll_error *reterr)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_other,
		.yajl_boolean = on_boolean,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_map,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end,
		.yajl_start_array = on_other,
	};
	struct reader r = { .members = members, .reterr = reterr };
	struct toll_json_fault fault = { .at = 0 };
	int err;

	if (!json.len)
		return toll_fail(reterr, TOLL_EINVALID, "the body must be a JSON object");
	err = toll_json_read_copy(&callbacks, &r, json, &fault);
	if (!err || r.told)
		return err;
	if (err == TOLL_ENOMEM)
		return toll_fail(reterr, err, "out of memory");
	return toll_fail(reterr, err, "the body is no JSON, at byte %zu: %s", fault.at, fault.what);
}
