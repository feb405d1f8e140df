/* SPDX-License-Identifier: Apache-2.0 */
#include "config/parse.h"

#include <string.h>

#include "config/parse_inside.h"
#include "config/suggest.h"

/* ---- one field ---- */

static void set_value(const struct toll_spot *s)
{
	switch (s->field->type) {
	case TOLL_FIELD_GROUP:
		toll_fields_parse(s->parser, s->field->group, s->entry, s->path, s->to);
		break;
	case TOLL_FIELD_GROUPS:
		toll_spot_set_groups(s);
		break;
	case TOLL_FIELD_LIST:
		toll_spot_set_list(s);
		break;
	case TOLL_FIELD_MAP:
		toll_spot_set_map(s);
		break;
	case TOLL_FIELD_ANY:
		toll_spot_set_any(s);
		break;
	default:
		toll_spot_set_scalar(s);
		break;
	}
}

/* ---- presets ---- */

static bool is_text_type(enum toll_field_type type)
{
	return type <= TOLL_FIELD_ENUM;
}

/* Presets of single values are taken as they stand ("*" needs no quotes); others are YAML. */
static struct toll_yaml_node *preset_node(struct toll_parser *p, const struct toll_field *f)
{
	struct toll_yaml_input in = { .text = toll_slice_str(f->preset),
		                      .file = p->file,
		                      .arena = p->arena };
	struct toll_yaml_node *node;

	if (!is_text_type(f->type) || *f->preset == '"')
		return toll_yaml_parse(&in, &node) == 0 ? node : NULL;
	node = toll_arena_new(p->arena, struct toll_yaml_node, 1);
	if (node)
		*node = (struct toll_yaml_node){ .kind = TOLL_YAML_SCALAR, .text = in.text };
	return node;
}

static void set_preset(struct toll_parser *p, const struct toll_field *f, void *to)
{
	const struct toll_yaml_path path = { NULL, toll_slice_str(f->name) };
	struct toll_yaml_entry entry = { .key = path.name, .file = p->file };
	struct toll_spot s = { p, f, NULL, &entry, &path, to };

	if (f->type == TOLL_FIELD_STRING || f->type == TOLL_FIELD_SECRET)
		*(struct toll_slice *)to = toll_slice("", 0);
	if (!f->preset)
		return;
	entry.value = preset_node(p, f);
	s.node = entry.value;
	if (!entry.value)
		toll_parser_error(p, &entry, &path, "the preset \"%s\" is no YAML", f->preset);
	else
		set_value(&s);
}

void toll_fields_preset(struct toll_parser *p, const struct toll_field *fields, void *config)
{
	for (const struct toll_field *f = fields; f->name; f++) {
		char *to = (char *)config + f->offset;

		if (f->alias_of || f->later)
			continue;
		if (f->type == TOLL_FIELD_GROUP)
			toll_fields_preset(p, f->group, to);
		if (f->type != TOLL_FIELD_GROUP || f->preset)
			set_preset(p, f, to);
	}
}

/* ---- a mapping of fields ---- */

static const struct toll_field *find_field(const struct toll_field *fields, struct toll_slice name)
{
	for (; fields->name; fields++)
		if (toll_slice_is(name, fields->name))
			return fields;
	return NULL;
}

static void unknown_field(struct toll_parser *p, const struct toll_field *fields,
                          const struct toll_yaml_entry *entry, const struct toll_yaml_path *path)
{
	const char *names[129];
	size_t n = 0;

	for (; fields->name && n < TOLL_COUNT(names) - 1; fields++)
		if (!fields->alias_of && !fields->later)
			names[n++] = fields->name;
	names[n] = NULL;
	toll_parser_unknown(p, entry, path, names);
}

/* The field that an older name stands for; NULL (with a finding) when both are there. */
static const struct toll_field *follow_alias(struct toll_parser *p, const struct toll_field *fields,
                                             const struct toll_field *f,
                                             const struct toll_yaml_entry *entry,
                                             const struct toll_yaml_path *path,
                                             const struct toll_yaml_node *map)
{
	if (toll_yaml_find(map, f->alias_of)) {
		toll_parser_error(p, entry, path, "is the older name of \"%s\", which is here too",
		                  f->alias_of);
		return NULL;
	}
	toll_parser_warning(p, entry, path, "is deprecated: write \"%s\"", f->alias_of);
	return find_field(fields, toll_slice_str(f->alias_of));
}

static void parse_entry(struct toll_parser *p, const struct toll_field *fields,
                        const struct toll_yaml_node *map, const struct toll_yaml_entry *entry,
                        const struct toll_yaml_path *up, void *config)
{
	const struct toll_yaml_path path = { up, entry->key };
	const struct toll_field *f = find_field(fields, entry->key);
	struct toll_spot s = { p, f, entry->value, entry, &path, NULL };

	if (!f) {
		unknown_field(p, fields, entry, &path);
		return;
	}
	if (f->later) {
		if (f->refused)
			toll_parser_error(p, entry, &path, "%s", f->later);
		else
			toll_parser_warning(p, entry, &path, "%s", f->later);
		return;
	}
	if (f->alias_of)
		s.field = f = follow_alias(p, fields, f, entry, &path, map);
	if (!f)
		return;
	if (f->present)
		*(bool *)((char *)config + f->present) = true;
	s.to = (char *)config + f->offset;
	if (!toll_spot_is_absent(entry->value))
		set_value(&s);
}

static bool is_given(const struct toll_yaml_node *map, const struct toll_field *fields,
                     const struct toll_field *wanted)
{
	for (const struct toll_field *f = fields; f->name; f++) {
		const struct toll_yaml_entry *entry;

		if (f != wanted && !(f->alias_of && strcmp(f->alias_of, wanted->name) == 0))
			continue;
		entry = toll_yaml_find(map, f->name);
		if (entry && !toll_yaml_is_null(entry->value))
			return true;
	}
	return false;
}

static void check_required(struct toll_parser *p, const struct toll_field *fields,
                           const struct toll_yaml_entry *entry, const struct toll_yaml_path *path)
{
	for (const struct toll_field *f = fields; f->name; f++) {
		const struct toll_yaml_path missing = { path, toll_slice_str(f->name) };

		if (f->required && !is_given(entry->value, fields, f))
			toll_parser_error(p, entry, &missing, "is required: %s", f->help);
	}
}

void toll_fields_parse(struct toll_parser *p, const struct toll_field *fields,
                       const struct toll_yaml_entry *entry, const struct toll_yaml_path *path,
                       void *config)
{
	const struct toll_yaml_node *map = entry->value;

	toll_fields_preset(p, fields, config);
	if (!toll_yaml_is_null(map) && map->kind != TOLL_YAML_MAP) {
		toll_parser_error(p, entry, path, "must be a mapping (\"key: value\"), not %s",
		                  toll_yaml_kind_text(map));
		return;
	}
	for (size_t i = 0; map && i < map->count; i++)
		parse_entry(p, fields, map, &map->entries[i], path, config);
	check_required(p, fields, entry, path);
}
