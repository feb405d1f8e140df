/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - a whole configuration: what it is read from, its sections, and what is left unused. */
#include "config/config.h"

#include <stdlib.h>

#include "config/component.h"
#include "config/expand.h"
#include "config/service.h"
#include "config/source.h"

/* Text, tree and settings of the largest configuration that is read at all. */
#define ARENA_LIMIT ((size_t)128 * 1024 * 1024)

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

struct toll_config *toll_config_ref(struct toll_config *c)
{
	c->others++;
	return c;
}

struct toll_config *toll_config_free(struct toll_config *c)
{
	if (c && c->others) {
		c->others--;
		return NULL;
	}
	if (c)
		toll_arena_release(&c->arena);
	free(c);
	return NULL;
}

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
				toll_parser_error(p, c, &path,
				                  "ambiguous ID: Found both \"%s\" %s and \"%s\" "
				                  "connector: rename one of them, for example the "
				                  "connector to \"%s/connector\"",
				                  c->id, toll_section_one(s), c->id, c->id);
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
				toll_parser_report(p, TOLL_FINDING_WARNING, TOLL_PLACE_OF(c), &path,
				                   "is not used by %s",
				                   s == TOLL_SECTION_EXTENSIONS
				                           ? "service::extensions"
				                           : "any pipeline");
		}
}

static void parse_root(struct toll_parser *p, const struct toll_yaml_node *root,
                       struct toll_config *config)
{
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
		toll_components_parse(p, s, toll_yaml_find(root, top_keys[s]), config);
	check_ambiguous(p, config);
	toll_service_parse(p, toll_yaml_find(root, "service"), config);
	warn_unused(p, config);
}

/* ---- loading ---- */

/* A name that findings and components can use; it becomes that of the whole. */
static const char *first_name(struct toll_config *config, const struct toll_config_source *source)
{
	if (!source->location_count)
		return "--set";
	return toll_source_name(&config->arena, source->locations[0]);
}

static int read_source(struct toll_source *s, const struct toll_config_source *source)
{
	int err = 0;

	for (size_t i = 0; i < source->location_count; i++) {
		const char *name = toll_source_name(s->arena, source->locations[i]);
		int failed;

		if (!name)
			return TOLL_ENOMEM;
		toll_findings_know_file(s->findings, name);
		failed = toll_source_location(s, source->locations[i]);
		if (failed == TOLL_ENOMEM)
			return failed;
		err = failed ? failed : err; /* the others may have problems too */
	}
	for (size_t i = 0; i < source->set_count && err != TOLL_ENOMEM; i++) {
		int failed = toll_source_set(s, source->sets[i]);

		err = failed ? failed : err;
	}
	return err;
}

/* s holds the merged tree. */
static int interpret(struct toll_source *s, struct toll_config *config)
{
	struct toll_parser p = { .arena = s->arena, .findings = s->findings, .file = config->file };
	static const struct toll_yaml_node nothing = { .kind = TOLL_YAML_NULL, .expanded = true };
	int err = 0;

	if (s->tree)
		err = toll_expand(s->tree, s->arena, s->findings, s->files);
	config->files_read = s->files->at;
	config->files_read_count = s->files->count;
	config->files_said = s->files->said;
	if (err)
		return err;
	parse_root(&p, s->tree ? s->tree : &nothing, config);
	return p.err;
}

static struct toll_config *new_config(const struct toll_config_type *types)
{
	struct toll_config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	toll_arena_init(&config->arena, ARENA_LIMIT);
	config->types = types;
	return config;
}

/* What every way of loading ends with. */
static int finish(struct toll_config *config, int err, bool unchecked, struct toll_config **ret,
                  struct toll_findings *findings)
{
	struct toll_place at = { config && config->file ? config->file : "configuration", 0, 0 };

	if (err == TOLL_ENOMEM || err == TOLL_ETOOBIG)
		toll_findings_add(findings, TOLL_FINDING_ERROR, at, "", "out of memory");
	toll_findings_sort(findings);
	if (!err && findings->errors && !unchecked)
		err = TOLL_ECONFIG;
	if (err)
		toll_config_free(config);
	else
		*ret = config;
	return err;
}

int toll_config_load(const struct toll_config_source *source, const struct toll_config_type *types,
                     struct toll_config **ret, struct toll_findings *findings)
{
	struct toll_config *config = new_config(types);
	struct toll_uri_files files = { 0 };
	int err = TOLL_ENOMEM;

	if (config) {
		struct toll_source s = { &config->arena, findings, &files, NULL };

		config->file = first_name(config, source);
		if (config->file)
			err = read_source(&s, source);
		if (!err)
			err = interpret(&s, config);
	}
	return finish(config, err, source->unchecked, ret, findings);
}

int toll_config_load_file(const char *path, const struct toll_config_type *types,
                          struct toll_config **ret, struct toll_findings *findings)
{
	const struct toll_config_source source = { .locations = &path, .location_count = 1 };

	return toll_config_load(&source, types, ret, findings);
}

int toll_config_load_text(struct toll_slice yaml, const char *name,
                          const struct toll_config_type *types, struct toll_config **ret,
                          struct toll_findings *findings)
{
	struct toll_config *config = new_config(types);
	struct toll_uri_files files = { 0 };
	int err = TOLL_ENOMEM;

	if (config) {
		struct toll_source s = { &config->arena, findings, &files, NULL };

		config->file = toll_arena_strdup(&config->arena, toll_slice_str(name));
		if (config->file)
			err = toll_source_text(&s, yaml, config->file);
		if (!err)
			err = interpret(&s, config);
	}
	return finish(config, err, false, ret, findings);
}
