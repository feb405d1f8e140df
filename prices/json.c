/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/json.h"

#include <json-c/json.h>

#include "base/hash.h"
#include "cost/price_builder.h"

enum {
	MAX_DEPTH = 16,
	MAX_SERVICE = 255,
	MAX_OPERATION = 512, /* no span has a longer one */
	SHOWN = 80,          /* bytes of a name in a sentence */
	NS_PER_MS = 1000000,
};

struct reading {
	const char *name;
	unsigned layer;
	uint32_t rows;
	struct toll_pricebook_builder *builder;
	struct toll_prices_notes *notes;
	struct toll_error *reterr;
};

struct row {
	struct toll_slice service, operation;
	struct toll_rate per_ns;
	bool free;
};

static int shown(struct toll_slice s)
{
	return s.len > SHOWN ? SHOWN : (int)s.len;
}

/* "prices.json: row "shop:/cart": ..." */
static int refuse_row_as(struct reading *r, const char *key, int err, const char *what)
{
	return toll_fail(r->reterr, err, "%s: row \"%.*s\": %s", r->name,
	                 shown(toll_slice_str(key)), key, what);
}

static int refuse_row(struct reading *r, const char *key, const char *what)
{
	return refuse_row_as(r, key, TOLL_EINVALID, what);
}

static void note_ignored(struct reading *r, const char *member)
{
	if (r->notes->ignored++ == 0)
		snprintf(r->notes->first, sizeof(r->notes->first), "%s", member);
}

static struct toll_slice string_of(struct json_object *o)
{
	return toll_slice(json_object_get_string(o), (size_t)json_object_get_string_len(o));
}

/* ---- one row ---- */

static int read_names(struct reading *r, const char *key, struct json_object *value,
                      struct row *row)
{
	const char *colon = strchr(key, ':');
	struct json_object *o;

	row->service = colon ? toll_slice(key, (size_t)(colon - key)) : toll_slice(NULL, 0);
	row->operation = colon ? toll_slice_str(colon + 1) : toll_slice(NULL, 0);
	if (json_object_object_get_ex(value, "service", &o)) {
		if (!json_object_is_type(o, json_type_string))
			return refuse_row(r, key, "service must be a string");
		row->service = string_of(o);
	}
	if (json_object_object_get_ex(value, "operation", &o)) {
		if (!json_object_is_type(o, json_type_string))
			return refuse_row(r, key, "operation must be a string");
		row->operation = string_of(o);
	}
	return 0;
}

static bool key_agrees(struct toll_slice key, const struct row *row)
{
	size_t at = row->service.len;

	return key.len == at + 1 + row->operation.len && key.ptr[at] == ':' &&
	       toll_slice_eq(toll_slice(key.ptr, at), row->service) &&
	       toll_slice_eq(toll_slice(key.ptr + at + 1, row->operation.len), row->operation);
}

static int check_names(struct reading *r, const char *key, const struct row *row)
{
	if (!row->service.len || !row->operation.len)
		return refuse_row(
			r, key,
			"name service and operation, in the key as \"service:operation\"; "
			"operation \"*\" stands for all others");
	if (row->service.len > MAX_SERVICE || row->operation.len > MAX_OPERATION)
		return refuse_row(r, key,
		                  "a service has at most 255 bytes, an operation 512: no span "
		                  "would ever match");
	if (!key_agrees(toll_slice_str(key), row))
		return refuse_row(r, key,
		                  "the key and the members service and operation differ; make "
		                  "the key \"service:operation\"");
	return 0;
}

static int read_rate(struct reading *r, const char *key, struct json_object *value, struct row *row)
{
	enum json_type type = json_object_get_type(value);
	int err;

	if (type == json_type_null)
		return 0;
	if (type != json_type_int && type != json_type_double)
		return refuse_row(r, key,
		                  "cost_per_ms must be a number without quotes; null means free");
	/* The number's own text: json-c keeps it for what it reads as a double. */
	err = toll_rate_parse(toll_slice_str(json_object_get_string(value)), NS_PER_MS,
	                      &row->per_ns);
	if (err == TOLL_ETOOBIG)
		return refuse_row_as(r, key, err, "cost_per_ms is more than 1e12 dollars");
	if (err)
		return refuse_row(
			r, key, "cost_per_ms must be a finite number, 0 or more; null means free");
	row->free = toll_rate_is_zero(&row->per_ns);
	return 0;
}

static int check_currency(struct reading *r, const char *key, struct json_object *value)
{
	if (json_object_is_type(value, json_type_string) && toll_slice_is(string_of(value), "USD"))
		return 0;
	return refuse_row(r, key, "only prices in USD can be read; convert them");
}

static int check_members(struct reading *r, const char *key, struct json_object *value)
{
	json_object_object_foreach(value, member, o)
	{
		int err = 0;

		if (strcmp(member, "currency") == 0)
			err = check_currency(r, key, o);
		else if (strcmp(member, "service") != 0 && strcmp(member, "operation") != 0 &&
		         strcmp(member, "cost_per_ms") != 0)
			note_ignored(r, member);
		if (err)
			return err;
	}
	return 0;
}

static int read_object(struct reading *r, const char *key, struct json_object *value,
                       struct row *row)
{
	struct json_object *rate;
	int err = check_members(r, key, value);

	if (!err)
		err = read_names(r, key, value, row);
	if (!err && !json_object_object_get_ex(value, "cost_per_ms", &rate))
		err = refuse_row(r, key, "cost_per_ms is missing; null means free");
	return err ? err : read_rate(r, key, rate, row);
}

/* Operation "*" is the service's default: a rule for the service alone. */
static int add_row(struct reading *r, const char *key, const struct row *row)
{
	const struct toll_condition conditions[] = {
		{ TOLL_SLICE("service"), TOLL_MATCH_EXACT, &row->service, 1 },
		{ TOLL_SLICE("operation"), TOLL_MATCH_EXACT, &row->operation, 1 },
	};
	const struct toll_meter duration = { .kind = TOLL_QUANTITY_DURATION, .rate = row->per_ns };
	const struct toll_price_rule rule = {
		.id = toll_slice_str(key),
		.conditions = conditions,
		.condition_count = toll_slice_is(row->operation, "*") ? 1 : 2,
		.meters = &duration,
		.meter_count = row->free ? 0 : 1,
		.free = row->free,
		.layer = r->layer,
		.order = r->rows++,
		.valid_from_s = TOLL_TIME_OPEN_FROM,
		.valid_to_s = TOLL_TIME_OPEN_TO,
	};
	struct toll_error why = { 0 };
	int err = toll_pricebook_builder_add_rule(r->builder, &rule, &why);

	return err ? refuse_row_as(r, key, err, why.text[0] ? why.text : toll_err_text(err)) : 0;
}

static int read_row(struct reading *r, const char *key, struct json_object *value)
{
	struct row row = { .free = true };
	int err;

	if (json_object_is_type(value, json_type_object))
		err = read_object(r, key, value, &row);
	else if (value)
		return refuse_row(r, key, "must be an object with cost_per_ms, or null");
	else
		err = read_names(r, key, NULL, &row);
	if (!err)
		err = check_names(r, key, &row);
	return err ? err : add_row(r, key, &row);
}

/* ---- the document ---- */

/* Members beside the rows: their names have no colon and they are no objects. */
static bool is_row(const char *key, struct json_object *value)
{
	return strchr(key, ':') || json_object_is_type(value, json_type_object);
}

static int read_rows(struct reading *r, struct json_object *document)
{
	json_object_object_foreach(document, key, value)
	{
		int err = 0;

		if (is_row(key, value))
			err = read_row(r, key, value);
		else if (strcmp(key, "currency") == 0)
			err = check_currency(r, key, value);
		else
			note_ignored(r, key);
		if (err)
			return err;
	}
	if (!r->rows)
		return toll_fail(r->reterr, TOLL_EINVALID, "%s: has no price in it", r->name);
	return 0;
}

/* The quote that ends the string whose first quote is `at`; `end` where there is none. */
static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at : end;
}

/* Over a string, if one begins at *at: to its last quote. */
static int scan(struct reading *r, const char **at, const char *end, struct toll_slice *name)
{
	const char *start = *at;

	if (*start == '\'') /* json-c takes these */
		return toll_fail(r->reterr, TOLL_EINVALID,
		                 "%s: no JSON: strings need double quotes", r->name);
	if (*start != '"')
		return 0;
	*at = string_end(start, end);
	*name = toll_slice(start + 1, (size_t)(*at - start - 1));
	return 0;
}

static int insert_name(struct reading *r, struct toll_table *names, struct toll_slice name)
{
	uint32_t *value;
	bool added;
	int err = toll_table_insert(names, name, &value, &added);

	if (err)
		return toll_fail(r->reterr, err, "%s: %s", r->name, toll_err_text(err));
	if (!added)
		return toll_fail(r->reterr, TOLL_EINVALID, "%s: row \"%.*s\" comes twice; keep one",
		                 r->name, shown(name), name.ptr);
	return 0;
}

/* json-c keeps the last of two members with the same name and says nothing: they are looked for in
 * the text. Strings of the outermost object that a colon follows are its names. */
static int find_twice(struct reading *r, struct toll_slice text, struct toll_table *names)
{
	const char *end = text.ptr + text.len;
	struct toll_slice name = { NULL, 0 };
	int depth = 0, err = 0;

	for (const char *at = text.ptr; !err && at < end; at++) {
		char c = *at;

		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		err = scan(r, &at, end, &name);
		if (!err && c == ':' && depth == 1)
			err = insert_name(r, names, name);
	}
	return err;
}

static int refuse_twice(struct reading *r, struct toll_slice text, struct json_object *document)
{
	struct toll_table names;
	int err = toll_table_init(&names, TOLL_PRICEBOOK_RULES);

	if (err)
		return toll_fail(r->reterr, err, "%s: out of memory", r->name);
	err = find_twice(r, text, &names);
	/* Other bytes, the same name: "a" and "\\u0061". */
	if (!err && names.count != (uint32_t)json_object_object_length(document))
		err = toll_fail(r->reterr, TOLL_EINVALID,
		                "%s: a row comes twice, once written with escapes; keep one",
		                r->name);
	toll_table_release(&names);
	return err;
}

static int line_of(struct toll_slice text, size_t at)
{
	int line = 1;

	for (size_t i = 0; i < at && i < text.len; i++)
		line += text.ptr[i] == '\n';
	return line;
}

static int refuse_syntax(struct reading *r, struct json_tokener *tokener, struct toll_slice text)
{
	enum json_tokener_error why = json_tokener_get_error(tokener);

	if (why == json_tokener_continue || why == json_tokener_success)
		return toll_fail(r->reterr, TOLL_EINVALID,
		                 "%s: ends in the middle of the JSON document", r->name);
	return toll_fail(r->reterr, TOLL_EINVALID, "%s: line %d: no JSON: %s", r->name,
	                 line_of(text, json_tokener_get_parse_end(tokener)),
	                 json_tokener_error_desc(why));
}

/* NULL: refused. The caller lets go of the document. */
static struct json_object *parse(struct reading *r, struct toll_slice text, int *ret_err)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *document;

	if (!tokener) {
		*ret_err = toll_fail(r->reterr, TOLL_ENOMEM, "%s: out of memory", r->name);
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	document = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);
	if (!document && json_tokener_get_error(tokener) != json_tokener_success)
		*ret_err = refuse_syntax(r, tokener, text);
	else if (!json_object_is_type(document, json_type_object))
		*ret_err = toll_fail(r->reterr, TOLL_EINVALID,
		                     "%s: must be a JSON object \"service:operation\" -> "
		                     "{\"cost_per_ms\": ...}",
		                     r->name);
	else
		*ret_err = 0;
	json_tokener_free(tokener);
	return document;
}

int toll_prices_json_read(struct toll_slice text, const char *name, unsigned layer,
                          struct toll_pricebook_builder *builder, struct toll_prices_notes *notes,
                          struct toll_error *reterr)
{
	struct reading r = { name, layer, 0, builder, notes, reterr };
	struct json_object *document;
	int err;

	if (text.len > TOLL_PRICES_MAX_BYTES)
		return toll_fail(reterr, TOLL_ETOOBIG,
		                 "%s: %zu bytes are more than a price document may have (16 MiB)",
		                 name, text.len);
	document = parse(&r, text, &err);
	if (!err)
		err = refuse_twice(&r, text, document);
	if (!err)
		err = read_rows(&r, document);
	json_object_put(document);
	return err;
}
