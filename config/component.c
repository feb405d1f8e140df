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

/* The Collector forbids the Unicode categories Z, C and S. Of those beyond ASCII, these are what a
 * keyboard or a copy from a document brings: blanks, invisible marks, signs, arrows, pictures. */
static bool is_odd(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} odd[] = {
		{ 0x00, 0x20 },        { 0x7f, 0xa0 },     { 0xa2, 0xa6 },     { 0xa8, 0xa9 },
		{ 0xac, 0xb1 },        { 0xb4, 0xb4 },     { 0xb8, 0xb8 },     { 0xd7, 0xd7 },
		{ 0xf7, 0xf7 },        { 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f },
		{ 0x2028, 0x202f },    { 0x2044, 0x2044 }, { 0x205f, 0x206f }, { 0x20a0, 0x20cf },
		{ 0x2100, 0x2101 },    { 0x2120, 0x2123 }, { 0x2190, 0x2307 }, { 0x230c, 0x2328 },
		{ 0x232b, 0x2426 },    { 0x2500, 0x2767 }, { 0x2794, 0x27c4 }, { 0x3000, 0x3000 },
		{ 0xe000, 0xf8ff },    { 0xfeff, 0xfeff }, { 0xfff9, 0xffff }, { 0x1f000, 0x1faff },
		{ 0xe0000, 0x10ffff },
	};

	if (c < 0x80 && c > 0x20 && strchr("$+<=>^`|~", (int)c))
		return true;
	for (size_t i = 0; i < TOLL_COUNT(odd); i++)
		if (c >= odd[i].first && c <= odd[i].last)
			return true;
	return false;
}

/* The character at the front of s, which libyaml knows to be UTF-8; moves s on. */
static uint32_t take_character(struct toll_slice *s)
{
	unsigned char first = (unsigned char)*s->ptr;
	unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
	uint32_t c = more ? first & (0x3fu >> more) : first;

	*s = toll_slice(s->ptr + 1, s->len - 1);
	for (; more && s->len; more--, *s = toll_slice(s->ptr + 1, s->len - 1))
		c = c << 6 | ((unsigned char)*s->ptr & 0x3f);
	return c;
}

static bool is_name(struct toll_slice s)
{
	if (!s.len || s.len > NAME_MAX_)
		return false;
	while (s.len)
		if (is_odd(take_character(&s)))
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
		toll_parser_error(
			p, entry, path,
			"no component id: type or type/name, the type a letter and at most "
			"62 letters, digits and _");
		return false;
	}
	if (slash && !is_name(*ret_name)) {
		toll_parser_error(
			p, entry, path,
			"the name behind the / must not be empty, longer than 1024 bytes, "
			"nor hold blanks, control characters or symbols");
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

struct known {
	struct toll_suggest suggest;
	char list[512]; /* "a, b" */
};

static void find_known(const struct toll_config_type *types, enum toll_section section,
                       struct toll_slice type, struct known *ret)
{
	size_t len = 0;

	*ret = (struct known){ .list = "none" };
	toll_suggest_init(&ret->suggest, type);
	for (; types->type; types++) {
		if (types->section != section || types->internal || types->later)
			continue;
		toll_suggest_offer(&ret->suggest, types->type);
		if (types->alias)
			toll_suggest_offer(&ret->suggest, types->alias);
		if (len < sizeof(ret->list))
			len += (size_t)snprintf(ret->list + len, sizeof(ret->list) - len, "%s%s",
			                        len ? ", " : "", types->type);
	}
}

static void unknown_type(struct toll_parser *p, const struct toll_config_type *types,
                         enum toll_section section, const struct toll_yaml_entry *entry,
                         const struct toll_yaml_path *path, struct toll_slice type)
{
	struct known known;

	find_known(types, section, type, &known);
	toll_parser_error(p, entry, path, "unknown %s type \"%.*s\"%s%s%s; known are: %s",
	                  toll_section_one(section), TOLL_FMT(type),
	                  known.suggest.best ? ", did you mean \"" : "",
	                  known.suggest.best ? known.suggest.best : "",
	                  known.suggest.best ? "\"?" : "", known.list);
}

/* A type that has a name, but nothing behind it. */
static void missing_type(struct toll_parser *p, const struct toll_config *config,
                         const struct toll_config_type *type, const struct toll_yaml_entry *entry,
                         const struct toll_yaml_path *path)
{
	struct known known;

	if (!type->elsewhere) {
		toll_parser_error(
			p, entry, path,
			"this version has no \"%s\" (%s): remove it, also where it is named",
			type->type, type->later);
		return;
	}
	find_known(config->types, type->section, toll_slice_str(type->type), &known);
	toll_parser_error(
		p, entry, path,
		"the %s \"%s\" of the OpenTelemetry Collector is not here: %s; remove it, "
		"also where it is named; known are: %s",
		toll_section_one(type->section), type->type, type->later, known.list);
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
		missing_type(p, config, type, entry, &path);
		return;
	}
	if (!init_component(p->arena, type, type_name, name, c)) {
		p->err = TOLL_ENOMEM;
		return;
	}
	c->entry = entry;
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
