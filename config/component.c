/* SPDX-License-Identifier: Apache-2.0 */
#include "config/component.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/service.h"
#include "config/suggest.h"

#define TYPE_MAX  63
#define NAME_MAX_ 1024

/* ---- ids ---- */

static bool is_type(struct toll_slice s)
{
	if (!s.len || s.len > TYPE_MAX || !isalpha((unsigned char)*s.ptr))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '_')
			return false;
	return true;
}

/* No blanks, control characters or symbols; letters of any language. */
static bool is_name(struct toll_slice s)
{
	if (!s.len || s.len > NAME_MAX_)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f ||
		    strchr("$+<=>^`|~", s.ptr[i]))
			return false;
	return true;
}

/* "type[/name]"; false with a finding when it is none. */
static bool split_id(struct toll_parser *p, const struct toll_yaml_entry *entry,
                     const struct toll_yaml_path *path, struct toll_slice *ret_type,
                     struct toll_slice *ret_name)
{
	struct toll_slice id = entry->key;
	const char *slash = memchr(id.ptr, '/', id.len);

	*ret_type = toll_slice(id.ptr, slash ? (size_t)(slash - id.ptr) : id.len);
	*ret_name = slash ? toll_slice(slash + 1, id.len - ret_type->len - 1) : toll_slice("", 0);
	if (!is_type(*ret_type)) {
		toll_parser_error(p, entry, path,
		                  "no component id: type or type/name, the type of letters, "
		                  "digits and _");
		return false;
	}
	if (slash && !is_name(*ret_name)) {
		toll_parser_error(p, entry, path,
		                  "the name behind the / must not be empty, nor hold blanks, "
		                  "control characters or symbols");
		return false;
	}
	return true;
}

static const struct toll_config_type *find_type(const struct toll_config_type *types,
                                                enum toll_section section, struct toll_slice type)
{
	for (; types->type; types++)
		if (types->section == section && !types->internal &&
		    (toll_slice_is(type, types->type) ||
		     (types->alias && toll_slice_is(type, types->alias))))
			return types;
	return NULL;
}

static void unknown_type(struct toll_parser *p, const struct toll_config_type *types,
                         enum toll_section section, const struct toll_yaml_entry *entry,
                         const struct toll_yaml_path *path, struct toll_slice type)
{
	struct toll_suggest s;
	char list[512] = "";
	size_t len = 0;

	toll_suggest_init(&s, type);
	for (; types->type; types++) {
		if (types->section != section || types->internal || types->later)
			continue;
		toll_suggest_offer(&s, types->type);
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
			                        len ? ", " : "", types->type);
	}
	toll_parser_error(p, entry, path, "unknown %s type \"%.*s\"%s%s%s; known are: %s",
	                  toll_section_one(section), TOLL_FMT(type),
	                  s.best ? ", did you mean \"" : "", s.best ? s.best : "",
	                  s.best ? "\"?" : "", len ? list : "none");
}

/* ---- components ---- */

static void *new_settings(struct toll_arena *arena, size_t size)
{
	void *at = toll_arena_alloc(arena, size ? size : 1, _Alignof(max_align_t));

	if (at)
		memset(at, 0, size ? size : 1);
	return at;
}

static const char *text_in(struct toll_arena *arena, const char *fmt, ...) TOLL_PRINTF(2, 3);

static const char *text_in(struct toll_arena *arena, const char *fmt, ...)
{
	char text[NAME_MAX_ + 2 * TYPE_MAX + 16];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return toll_arena_strdup(arena, toll_slice_str(text));
}

/* All but the settings' contents; false when out of memory. */
static bool init_component(struct toll_arena *arena, const struct toll_config_type *type,
                           struct toll_slice type_name, struct toll_slice name,
                           struct toll_config_component *ret)
{
	const char *slash = name.len ? "/" : "";

	*ret = (struct toll_config_component){
		.type = type,
		.type_name = toll_arena_strdup(arena, type_name),
		.name = toll_arena_strdup(arena, name),
		.id = text_in(arena, "%.*s%s%.*s", TOLL_FMT(type_name), slash, TOLL_FMT(name)),
		.who = text_in(arena, "%s/%.*s%s%.*s", toll_section_one(type->section),
		               TOLL_FMT(type_name), slash, TOLL_FMT(name)),
		.settings = new_settings(arena, type->config_size),
	};
	return ret->type_name && ret->name && ret->id && ret->who && ret->settings;
}

static void parse_component(struct toll_parser *p, enum toll_section section,
                            const struct toll_yaml_entry *entry, struct toll_config *config)
{
	const struct toll_yaml_path up = { NULL, toll_slice_str(toll_section_key(section)) };
	const struct toll_yaml_path path = { &up, entry->key };
	struct toll_config_component *c =
		&config->components[section][config->component_count[section]];
	const struct toll_config_type *type;
	struct toll_slice type_name, name;
	size_t errors;

	if (!split_id(p, entry, &path, &type_name, &name))
		return;
	type = find_type(config->types, section, type_name);
	if (!type) {
		unknown_type(p, config->types, section, entry, &path, type_name);
		return;
	}
	if (type->later) {
		toll_parser_error(
			p, entry, &path,
			"this version has no \"%s\" (%s): remove it, also where it is named",
			type->type, type->later);
		return;
	}
	if (!init_component(p->arena, type, type_name, name, c)) {
		p->err = TOLL_ENOMEM;
		return;
	}
	c->file = entry->file;
	c->line = entry->line;
	c->column = entry->column;
	config->component_count[section]++;
	errors = p->findings->errors;
	toll_fields_parse(p, type->fields, entry, &path, c->settings);
	/* Rules between settings make sense only for settings that are right by themselves. */
	if (type->validate && p->findings->errors == errors && !p->err) {
		struct toll_reporter r = { p, entry, &path };

		type->validate(c->settings, &r);
	}
}

void toll_components_parse(struct toll_parser *p, enum toll_section section,
                           const struct toll_yaml_entry *entry, struct toll_config *config)
{
	const struct toll_yaml_path path = { NULL, toll_slice_str(toll_section_key(section)) };
	const struct toll_yaml_node *map = entry ? entry->value : NULL;

	if (!map || toll_yaml_is_null(map))
		return;
	if (map->kind != TOLL_YAML_MAP) {
		toll_parser_error(p, entry, &path, "must be a mapping of ids, not %s",
		                  toll_yaml_kind_text(map));
		return;
	}
	config->components[section] =
		toll_arena_new(p->arena, struct toll_config_component, map->count);
	if (!config->components[section]) {
		p->err = TOLL_ENOMEM;
		return;
	}
	for (size_t i = 0; i < map->count && !p->err; i++)
		parse_component(p, section, &map->entries[i], config);
}

struct toll_config_component *
toll_config_implicit(struct toll_config *c, const struct toll_config_type *type, const char *name)
{
	struct toll_findings unused = { 0 };
	struct toll_parser p = { .arena = &c->arena, .findings = &unused, .file = c->file };
	struct toll_config_component *new =
		toll_arena_new(&c->arena, struct toll_config_component, 1);

	if (!new ||
	    !init_component(&c->arena, type, toll_slice_str(type->type), toll_slice_str(name), new))
		return NULL;
	new->used = true;
	toll_fields_preset(&p, type->fields, new->settings);
	toll_findings_release(&unused);
	return p.err ? NULL : new;
}
