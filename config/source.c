/* SPDX-License-Identifier: Apache-2.0 */
#include "config/source.h"

#include <string.h>

#include "config/merge.h"

#define NAME_SHOWN 60

static int fault(struct toll_source *s, struct toll_place at, const char *text)
{
	toll_findings_add(s->findings, TOLL_FINDING_ERROR, at, "", "%s", text);
	return TOLL_ECONFIG;
}

/* The tree of one document over what is there already. */
static int merge(struct toll_source *s, struct toll_yaml_node *over)
{
	struct toll_place at = { over->file, over->line, over->column };
	int err = 0;

	if (over->kind == TOLL_YAML_NULL)
		return 0;
	if (over->kind != TOLL_YAML_MAP)
		return fault(s, at,
		             "must be a mapping with receivers, processors, exporters and service");
	over = toll_yaml_split_keys(s->arena, over, &err);
	if (over)
		s->tree = s->tree ? toll_yaml_merge(s->arena, s->tree, over, &err) : over;
	return err == TOLL_ETOOBIG ? fault(s, at, "too large together with what is before it")
	                           : err;
}

static int parse(struct toll_source *s, struct toll_slice yaml, struct toll_place at, bool fixed,
                 struct toll_yaml_node **ret)
{
	struct toll_yaml_input in = { .text = yaml,
		                      .file = at.file,
		                      .arena = s->arena,
		                      .findings = s->findings,
		                      .fixed = fixed,
		                      .line = at.line,
		                      .column = at.column };

	return toll_yaml_parse(&in, ret);
}

int toll_source_text(struct toll_source *s, struct toll_slice yaml, const char *file)
{
	struct toll_yaml_node *root;
	int err = parse(s, yaml, (struct toll_place){ file, 0, 0 }, false, &root);

	return err ? err : merge(s, root);
}

/* ---- locations ---- */

/* A bare path may hold a colon; one letter before it was a drive once. */
static struct toll_uri location_uri(const char *location)
{
	struct toll_uri uri = toll_uri_split(toll_slice_str(location));

	if (uri.scheme == TOLL_URI_NONE)
		uri.scheme = TOLL_URI_FILE;
	return uri;
}

const char *toll_source_name(struct toll_arena *arena, const char *location)
{
	struct toll_uri uri = location_uri(location);
	struct toll_slice name = toll_slice_str(location);
	const char *end;

	if (uri.scheme == TOLL_URI_FILE)
		return toll_arena_strdup(arena, uri.rest);
	if (uri.scheme != TOLL_URI_YAML)
		return toll_arena_strdup(arena, name);
	/* Behind the key may be a secret. */
	end = memmem(name.ptr, name.len, ": ", 2);
	if (end)
		name.len = (size_t)(end - name.ptr);
	end = memchr(name.ptr, '\n', name.len);
	if (end)
		name.len = (size_t)(end - name.ptr);
	return toll_arena_strdup(arena, toll_slice_cut(name, NAME_SHOWN));
}

int toll_source_location(struct toll_source *s, const char *location)
{
	struct toll_uri uri = location_uri(location);
	struct toll_uri_reader reader = { .arena = s->arena,
		                          .findings = s->findings,
		                          .files = s->files,
		                          .max_bytes = TOLL_YAML_MAX_BYTES,
		                          .itself = true };
	struct toll_yaml_node *root;
	struct toll_uri_value value;
	int err;

	reader.place.file = toll_source_name(s->arena, location);
	if (!reader.place.file)
		return TOLL_ENOMEM;
	err = toll_uri_read(&reader, &uri, &value);
	if (!err && uri.scheme == TOLL_URI_YAML) {
		err = parse(s, value.text, reader.place, true, &root);
		return err ? err : merge(s, root);
	}
	return err ? err : toll_source_text(s, value.text, reader.place.file);
}

/* ---- sets ---- */

/* "exporters.debug.verbosity" -> "exporters::debug::verbosity" */
static struct toll_slice key_of(struct toll_arena *arena, struct toll_slice dotted)
{
	char *key = toll_arena_alloc(arena, 2 * dotted.len + 1, 1);
	size_t len = 0;

	for (size_t i = 0; key && i < dotted.len; i++)
		if (dotted.ptr[i] == '.') {
			key[len++] = ':';
			key[len++] = ':';
		} else {
			key[len++] = dotted.ptr[i];
		}
	if (key)
		key[len] = '\0';
	return toll_slice(key, len);
}

/* {key: value} */
static int merge_pair(struct toll_source *s, struct toll_slice key, struct toll_place at,
                      struct toll_yaml_node *value)
{
	struct toll_yaml_entry *entry = toll_arena_new(s->arena, struct toll_yaml_entry, 1);
	struct toll_yaml_node *map = toll_arena_new(s->arena, struct toll_yaml_node, 1);

	if (!entry || !map || !key.ptr)
		return TOLL_ENOMEM;
	*entry = (struct toll_yaml_entry){ key, at.file, at.line, at.column, value };
	*map = (struct toll_yaml_node){
		.kind = TOLL_YAML_MAP, .file = at.file, .entries = entry, .count = 1
	};
	return toll_yaml_measure(map) ? merge(s, map) : fault(s, at, "too large");
}

int toll_source_set(struct toll_source *s, const char *set)
{
	const char *equals = strchr(set, '=');
	struct toll_slice dotted = toll_slice_trim(
		toll_slice(set, equals ? (size_t)(equals - set) : strlen(set)), TOLL_SPACES);
	struct toll_place at = {
		.file = toll_arena_printf(s->arena, "--set %.*s", TOLL_FMT(dotted)).ptr
	};
	struct toll_yaml_node *value;
	int err;

	if (!at.file)
		return TOLL_ENOMEM;
	if (!equals || !dotted.len)
		return fault(s, at,
		             "needs a key and a value, for example "
		             "--set=processors.batch.timeout=2s");
	err = parse(s, toll_slice_trim(toll_slice_str(equals + 1), TOLL_SPACES), at, true, &value);
	return err ? err : merge_pair(s, key_of(s->arena, dotted), at, value);
}
