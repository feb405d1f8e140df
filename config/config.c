/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - a whole file: sections, components by type and id, and what is left unused. */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "config/expand.h"
#include "config/service.h"
#include "config/suggest.h"

/* Text, tree and settings of the largest file that is read at all. */
#define ARENA_LIMIT ((size_t)128 * 1024 * 1024)
#define TYPE_MAX    63
#define NAME_MAX_   1024

static const char *const top_keys[] = { "receivers",  "processors", "exporters", "connectors",
	                                "extensions", "service",    NULL };

const char *toll_section_key(enum toll_section section)
{
	return top_keys[section];
}

const char *toll_section_one(enum toll_section section)
{
	static const char *const names[] = { "receiver", "processor", "exporter", "connector",
		                             "extension" };

	return names[section];
}

struct toll_config *toll_config_free(struct toll_config *c)
{
	if (c)
		toll_arena_release(&c->arena);
	free(c);
	return NULL;
}

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

static void parse_component(struct toll_parser *p, const struct toll_config_type *types,
                            enum toll_section section, const struct toll_yaml_entry *entry,
                            struct toll_config *config)
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
	type = find_type(types, section, type_name);
	if (!type) {
		unknown_type(p, types, section, entry, &path, type_name);
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

static void parse_section(struct toll_parser *p, const struct toll_config_type *types,
                          enum toll_section section, const struct toll_yaml_entry *entry,
                          struct toll_config *config)
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
		parse_component(p, types, section, &map->entries[i], config);
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

/* ---- the file ---- */

/* An id that pipelines could take for two things. */
static void check_ambiguous(struct toll_parser *p, const struct toll_config *config)
{
	for (size_t i = 0; i < config->component_count[TOLL_SECTION_CONNECTORS]; i++) {
		const struct toll_config_component *c =
			&config->components[TOLL_SECTION_CONNECTORS][i];
		const struct toll_yaml_path up = { NULL, TOLL_SLICE("connectors") };
		const struct toll_yaml_path path = { &up, toll_slice_str(c->id) };

		for (enum toll_section s = TOLL_SECTION_RECEIVERS; s <= TOLL_SECTION_EXPORTERS;
		     s += 2)
			if (toll_config_find(config, s, path.name))
				toll_parser_report(p, TOLL_FINDING_ERROR, c->line, c->column, &path,
				                   "ambiguous ID: found in both \"%s\" and "
				                   "\"connectors\"",
				                   toll_section_key(s));
	}
}

static void warn_unused(struct toll_parser *p, const struct toll_config *config)
{
	for (int s = 0; s < TOLL_SECTION_COUNT; s++)
		for (size_t i = 0; i < config->component_count[s]; i++) {
			const struct toll_config_component *c = &config->components[s][i];
			const struct toll_yaml_path up = { NULL,
				                           toll_slice_str(toll_section_key(s)) };
			const struct toll_yaml_path path = { &up, toll_slice_str(c->id) };

			if (!c->used)
				toll_parser_report(p, TOLL_FINDING_WARNING, c->line, c->column,
				                   &path, "is not used by %s",
				                   s == TOLL_SECTION_EXTENSIONS
				                           ? "service::extensions"
				                           : "any pipeline");
		}
}

static void parse_root(struct toll_parser *p, const struct toll_config_type *types,
                       const struct toll_yaml_node *root, struct toll_config *config)
{
	const struct toll_yaml_entry whole = { .line = 1, .column = 1 };

	if (!toll_yaml_is_null(root) && root->kind != TOLL_YAML_MAP) {
		toll_parser_error(p, &whole, NULL,
		                  "must be a mapping with receivers, processors, "
		                  "exporters and service");
		return;
	}
	for (size_t i = 0; i < root->count; i++) {
		const struct toll_yaml_path path = { NULL, root->entries[i].key };
		bool known = false;

		for (const char *const *name = top_keys; *name; name++)
			known |= toll_slice_is(path.name, *name);
		if (!known)
			toll_parser_unknown(p, &root->entries[i], &path, top_keys);
	}
	p->root = root;
	for (int s = 0; s < TOLL_SECTION_COUNT; s++)
		parse_section(p, types, s, toll_yaml_find(root, top_keys[s]), config);
	check_ambiguous(p, config);
	toll_service_parse(p, toll_yaml_find(root, "service"), config);
	warn_unused(p, config);
}

static int load(struct toll_slice yaml, const struct toll_config_type *types,
                struct toll_config *config, struct toll_findings *findings)
{
	struct toll_yaml_input in = {
		.text = yaml, .file = config->file, .arena = &config->arena, .findings = findings
	};
	struct toll_parser p = { .arena = in.arena, .findings = findings, .file = in.file };
	struct toll_yaml_node *root;
	int err = toll_yaml_parse(&in, &root);

	if (!err)
		err = toll_expand(root, in.file, in.arena, findings);
	if (!err) {
		parse_root(&p, types, root, config);
		err = p.err;
	}
	return !err && findings->errors ? TOLL_ECONFIG : err;
}

/* A copy of the name that lives as long as the findings, which may be read after the config. */
static const char *name_of(struct toll_findings *findings, const char *name)
{
	const char *copy = toll_findings_keep(findings, name);

	return copy ? copy : "configuration";
}

int toll_config_load_text(struct toll_slice yaml, const char *name,
                          const struct toll_config_type *types, struct toll_config **ret,
                          struct toll_findings *findings)
{
	struct toll_config *config = calloc(1, sizeof(*config));
	struct toll_place nowhere = { name_of(findings, name), 0, 0 };
	int err = TOLL_ENOMEM;

	if (config) {
		toll_arena_init(&config->arena, ARENA_LIMIT);
		config->types = types;
		config->file = toll_arena_strdup(&config->arena, toll_slice_str(name));
		if (config->file)
			err = load(yaml, types, config, findings);
	}
	if (err == TOLL_ENOMEM || err == TOLL_ETOOBIG)
		toll_findings_add(findings, TOLL_FINDING_ERROR, nowhere, "", "out of memory");
	toll_findings_sort(findings);
	/* config->file dies with it. */
	for (size_t i = 0; i < findings->count; i++)
		findings->at[i].file = nowhere.file;
	if (err)
		toll_config_free(config);
	else
		*ret = config;
	return err;
}

/* The whole file into *ret (malloc); 0 or errno. One byte more than allowed is enough to see it. */
static int read_file(const char *path, char **ret, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	char *text;
	int err = 0;

	if (!f)
		return errno;
	text = malloc(TOLL_YAML_MAX_BYTES + 1);
	errno = text ? 0 : ENOMEM;
	*ret_len = text ? fread(text, 1, TOLL_YAML_MAX_BYTES + 1, f) : 0;
	if (!text || ferror(f))
		err = errno ? errno : EIO;
	fclose(f);
	if (err)
		free(text);
	else
		*ret = text;
	return err;
}

int toll_config_load_file(const char *path, const struct toll_config_type *types,
                          struct toll_config **ret, struct toll_findings *findings)
{
	struct toll_place place = { name_of(findings, path), 0, 0 };
	char *text = NULL;
	size_t len = 0;
	int err = read_file(path, &text, &len);

	if (err) {
		toll_findings_add(findings, TOLL_FINDING_ERROR, place, "", "cannot be read: %s",
		                  strerror(err));
		return TOLL_ECONFIG;
	}
	err = toll_config_load_text(toll_slice(text, len), path, types, ret, findings);
	free(text);
	return err;
}
