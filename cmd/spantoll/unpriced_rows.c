/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/unpriced_rows.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

enum { LINE_MAX_BYTES = 1 << 20 };

/* ---- JSON ---- */

static const char *text_of(struct json_object *o, const char *member)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, member, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

static uint64_t number_of(struct json_object *o, const char *member)
{
	struct json_object *value;
	int64_t n = json_object_object_get_ex(o, member, &value) ? json_object_get_int64(value) : 0;

	return n > 0 ? (uint64_t)n : 0;
}

/* NULL: not one JSON value. */
static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *o = NULL;

	if (tokener)
		o = json_tokener_parse_ex(tokener, text, (int)len);
	if (tokener && json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tokener);
	return o;
}

/* ---- rows ---- */

static void release_row(struct toll_unpriced_what *w)
{
	free(w->service);
	free(w->operation);
	free(w->model);
	free(w->error);
}

static struct toll_unpriced_what *find(struct toll_unpriced_rows *rows, struct json_object *o,
                                       const char *error)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		struct toll_unpriced_what *w = &rows->rows[i];

		if (strcmp(w->operation, text_of(o, "operation")) == 0 &&
		    strcmp(w->service, text_of(o, "service")) == 0 &&
		    strcmp(w->model, text_of(o, "model")) == 0 && strcmp(w->error, error) == 0)
			return w;
	}
	return NULL;
}

static int make_room(struct toll_unpriced_rows *rows)
{
	uint32_t room = rows->room ? rows->room * 2 : 64;
	struct toll_unpriced_what *grown;

	if (rows->count < rows->room)
		return 0;
	grown = realloc(rows->rows, room * sizeof(*grown));
	if (!grown)
		return TOLL_ENOMEM;
	rows->rows = grown;
	rows->room = room;
	return 0;
}

static int append(struct toll_unpriced_rows *rows, struct json_object *o, const char *error)
{
	struct toll_unpriced_what *w;

	if (make_room(rows) < 0)
		return TOLL_ENOMEM;
	w = &rows->rows[rows->count];
	*w = (struct toll_unpriced_what){ .service = strdup(text_of(o, "service")),
		                          .operation = strdup(text_of(o, "operation")),
		                          .model = strdup(text_of(o, "model")),
		                          .error = strdup(error) };
	if (!w->service || !w->operation || !w->model || !w->error) {
		release_row(w);
		return TOLL_ENOMEM;
	}
	rows->count++;
	return 0;
}

static int add(struct toll_unpriced_rows *rows, struct json_object *o, const char *error,
               uint64_t spans, uint64_t last_ms)
{
	struct toll_unpriced_what *w = find(rows, o, error);

	if (!w && rows->count == TOLL_UNPRICED_ROWS_MAX) {
		rows->others += spans;
		return 0;
	}
	if (!w && append(rows, o, error) < 0)
		return TOLL_ENOMEM;
	if (!w)
		w = &rows->rows[rows->count - 1];
	w->spans += spans;
	if (last_ms > w->last_ms)
		w->last_ms = last_ms;
	return 0;
}

/* ---- a daemon's answer ---- */

static int add_all(struct toll_unpriced_rows *rows, struct json_object *list)
{
	size_t count = json_object_array_length(list);

	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		int err = add(rows, o, text_of(o, "error"), number_of(o, "spans"),
		              number_of(o, "last_ms"));

		if (err)
			return err;
	}
	return 0;
}

int toll_unpriced_rows_of_daemon(struct toll_unpriced_rows *rows, const char *json, size_t len,
                                 struct toll_error *reterr)
{
	struct json_object *o = parse(json, len), *list;
	int err;

	if (!o || !json_object_object_get_ex(o, "unpriced", &list) ||
	    !json_object_is_type(list, json_type_array)) {
		json_object_put(o);
		return toll_fail(reterr, TOLL_EINVALID,
		                 "that is not the answer of spantoll's /debug/unpricedz");
	}
	rows->others += number_of(o, "others");
	err = add_all(rows, list);
	json_object_put(o);
	return err ? toll_fail(reterr, err, "out of memory") : 0;
}

/* ---- records ---- */

static bool is_record(struct json_object *o)
{
	return json_object_is_type(o, json_type_object) &&
	       json_object_object_get_ex(o, "cost_amount", NULL) && text_of(o, "service")[0];
}

static int add_record(struct toll_unpriced_rows *rows, const char *line, size_t len)
{
	struct json_object *o = len <= LINE_MAX_BYTES ? parse(line, len) : NULL;
	int err = 0;

	if (!o || !is_record(o))
		rows->skipped++;
	else if (!text_of(o, "cost_error")[0])
		rows->priced++;
	else
		err = add(rows, o, text_of(o, "cost_error"), 1, number_of(o, "received_ms"));
	json_object_put(o);
	return err;
}

int toll_unpriced_rows_add_records(struct toll_unpriced_rows *rows, FILE *in, const char *name,
                                   struct toll_error *reterr)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &room, in)) >= 0)
		if (len > 1 || line[0] != '\n')
			err = add_record(rows, line, (size_t)len);
	free(line);
	if (err)
		return toll_fail(reterr, err, "out of memory");
	if (ferror(in))
		return toll_fail(reterr, TOLL_EINVALID, "%s: cannot be read", name);
	return 0;
}

/* ---- order, end ---- */

static int by_spans(const void *a, const void *b)
{
	const struct toll_unpriced_what *x = a, *y = b;

	return (x->spans < y->spans) - (x->spans > y->spans);
}

void toll_unpriced_rows_sort(struct toll_unpriced_rows *rows)
{
	if (rows->count)
		qsort(rows->rows, rows->count, sizeof(*rows->rows), by_spans);
}

void toll_unpriced_rows_release(struct toll_unpriced_rows *rows)
{
	for (uint32_t i = 0; i < rows->count; i++)
		release_row(&rows->rows[i]);
	free(rows->rows);
	*rows = (struct toll_unpriced_rows){ 0 };
}
