/* SPDX-License-Identifier: Apache-2.0 */
#include "config/service.h"

#include <string.h>

#include "config/connectors.h"
#include "config/suggest.h"
#include "config/telemetry.h"

#define PIPELINES_MAX 1000

/* References of one kind in one pipeline. */
struct references {
	const struct toll_yaml_entry *entry; /* "receivers: [otlp]" */
	const struct toll_yaml_path *path;   /* of the pipeline */
	enum toll_section section;
	bool connectors_too;
};

static const char *const service_keys[] = { "extensions", "pipelines", "telemetry", NULL };
static const char *const pipeline_keys[] = { "receivers", "processors", "exporters", NULL };

struct toll_config_component *toll_config_find(const struct toll_config *c,
                                               enum toll_section section, struct toll_slice id)
{
	for (size_t i = 0; i < c->component_count[section]; i++)
		if (toll_slice_is(id, c->components[section][i].id))
			return &c->components[section][i];
	return NULL;
}

/* ---- references ---- */

/* It is in the file, but was refused there: once is enough. */
static bool was_refused(const struct toll_parser *p, enum toll_section section, const char *id)
{
	const struct toll_yaml_entry *there = toll_yaml_find(p->root, toll_section_key(section));

	return there && toll_yaml_find(there->value, id);
}

/* The same component under the other name of its type: otlp for otlp_grpc. */
static bool is_twin(const struct toll_config_component *c, struct toll_slice id)
{
	const char *slash = memchr(id.ptr, '/', id.len);
	struct toll_slice type = toll_slice(id.ptr, slash ? (size_t)(slash - id.ptr) : id.len);
	struct toll_slice name =
		slash ? toll_slice(slash + 1, id.len - type.len - 1) : toll_slice("", 0);

	return toll_slice_is(name, c->name) &&
	       (toll_slice_is(type, c->type->type) ||
	        (c->type->alias && toll_slice_is(type, c->type->alias)));
}

static void offer_ids(struct toll_suggest *s, const struct toll_config *config,
                      enum toll_section section)
{
	for (size_t i = 0; i < config->component_count[section]; i++) {
		const struct toll_config_component *c = &config->components[section][i];

		toll_suggest_offer(s, c->id);
		if (is_twin(c, s->typed)) {
			s->best = c->id;
			s->distance = 0;
		}
	}
}

static void unknown_reference(struct toll_parser *p, const struct references *refs,
                              const struct toll_yaml_entry *item, struct toll_slice id,
                              const struct toll_config *config)
{
	struct toll_suggest s;

	toll_suggest_init(&s, id);
	offer_ids(&s, config, refs->section);
	if (refs->connectors_too)
		offer_ids(&s, config, TOLL_SECTION_CONNECTORS);
	toll_parser_error(
		p, item, refs->path, "references %s \"%.*s\" which is not configured%s%s%s",
		toll_section_one(refs->section), TOLL_FMT(id), s.best ? ", did you mean \"" : "",
		s.best ? s.best : "", s.best ? "\"?" : "");
}

static struct toll_config_component *resolve(struct toll_parser *p, const struct references *refs,
                                             const struct toll_yaml_entry *item,
                                             const struct toll_config *config)
{
	struct toll_slice id =
		item->value && item->value->text.ptr ? item->value->text : toll_slice("", 0);
	struct toll_config_component *c;

	if (item->value && item->value->kind != TOLL_YAML_SCALAR) {
		toll_parser_error(p, item, refs->path, "must name a %s, not %s",
		                  toll_section_one(refs->section),
		                  toll_yaml_kind_text(item->value));
		return NULL;
	}
	c = toll_config_find(config, refs->section, id);
	if (!c && refs->connectors_too)
		c = toll_config_find(config, TOLL_SECTION_CONNECTORS, id);
	if (!c && !was_refused(p, refs->section, id.ptr) &&
	    !(refs->connectors_too && was_refused(p, TOLL_SECTION_CONNECTORS, id.ptr)))
		unknown_reference(p, refs, item, id, config);
	return c;
}

bool toll_config_is_among(struct toll_config_component *const *list, size_t count,
                          const struct toll_config_component *c)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == c)
			return true;
	return false;
}

bool toll_config_begins_with(const struct toll_config_pipeline *p,
                             const struct toll_config_component *c)
{
	return toll_config_is_among(p->receivers, p->receiver_count, c);
}

bool toll_config_ends_with(const struct toll_config_pipeline *p,
                           const struct toll_config_component *c)
{
	return toll_config_is_among(p->exporters, p->exporter_count, c);
}

/* The components that a list of ids names; what cannot be found is left out, with a finding. */
static struct toll_config_component *const *resolve_all(struct toll_parser *p,
                                                        const struct references *refs,
                                                        const struct toll_config *config,
                                                        size_t *ret_count)
{
	const struct toll_yaml_node *list = refs->entry ? refs->entry->value : NULL;
	struct toll_config_component **at;

	*ret_count = 0;
	if (!list || toll_yaml_is_null(list))
		return NULL;
	if (list->kind != TOLL_YAML_LIST) {
		toll_parser_error(p, refs->entry, refs->path, "%s must be a list, not %s",
		                  toll_section_key(refs->section), toll_yaml_kind_text(list));
		return NULL;
	}
	at = toll_arena_new(p->arena, struct toll_config_component *, list->count);
	if (!at) {
		p->err = TOLL_ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < list->count; i++) {
		struct toll_config_component *c = resolve(p, refs, &list->entries[i], config);

		if (c && toll_config_is_among(at, *ret_count, c)) {
			toll_parser_error(p, &list->entries[i], refs->path,
			                  "references %s \"%s\" multiple times",
			                  toll_section_one(refs->section), c->id);
		} else if (c) {
			c->used = true;
			at[(*ret_count)++] = c;
		}
	}
	return at;
}

/* ---- pipelines ---- */

/* Does all that a pipeline of metrics is for come from connectors that serve their metrics
 * themselves? */
static bool is_served(const struct toll_yaml_entry *entry, const struct toll_config *config)
{
	const struct toll_yaml_entry *receivers = toll_yaml_find(entry->value, "receivers");
	const struct toll_yaml_node *list = receivers ? receivers->value : NULL;

	if (!list || list->kind != TOLL_YAML_LIST)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		const struct toll_yaml_node *id = list->entries[i].value;
		const struct toll_config_component *c =
			id && id->kind == TOLL_YAML_SCALAR
				? toll_config_find(config, TOLL_SECTION_CONNECTORS, id->text)
				: NULL;

		if (!c || !c->type->ends)
			return false;
	}
	return list->count > 0;
}

/* "traces" or "traces/name"; other signals get their own sentence. */
static bool check_pipeline_id(struct toll_parser *p, const struct toll_yaml_entry *entry,
                              const struct toll_yaml_path *path, const struct toll_config *config)
{
	static const char *const others[] = { "metrics", "logs", "profiles", NULL };
	const char *slash = memchr(entry->key.ptr, '/', entry->key.len);
	struct toll_slice signal = toll_slice(
		entry->key.ptr, slash ? (size_t)(slash - entry->key.ptr) : entry->key.len);

	if (toll_slice_is(signal, "traces") && (!slash || signal.len + 1 < entry->key.len))
		return true;
	if (toll_slice_is(signal, "metrics") && is_served(entry, config)) {
		toll_parser_warning(p, entry, path,
		                    "is not run: the metrics of its receivers are served with the "
		                    "daemon's own, see service::telemetry::metrics");
		return false;
	}
	for (const char *const *other = others; *other; other++)
		if (toll_slice_is(signal, *other)) {
			toll_parser_error(p, entry, path,
			                  "spantoll prices spans: only pipelines of traces can be "
			                  "run, send %s to another collector",
			                  *other);
			return false;
		}
	toll_parser_error(p, entry, path,
	                  "no such signal: pipelines are named traces or traces/<name>");
	return false;
}

static void check_pipeline_keys(struct toll_parser *p, const struct toll_yaml_entry *entry,
                                const struct toll_yaml_path *path)
{
	const struct toll_yaml_node *map = entry->value;

	for (size_t i = 0; map && i < map->count; i++) {
		const struct toll_yaml_path key = { path, map->entries[i].key };
		bool known = false;

		for (const char *const *name = pipeline_keys; *name; name++)
			known |= toll_slice_is(key.name, *name);
		if (!known)
			toll_parser_unknown(p, &map->entries[i], &key, pipeline_keys);
	}
}

static bool has_items(const struct toll_yaml_entry *entry)
{
	return entry && entry->value && entry->value->count > 0;
}

static void parse_pipeline(struct toll_parser *p, const struct toll_yaml_entry *entry,
                           const struct toll_yaml_path *path, const struct toll_config *config,
                           struct toll_config_pipeline *ret)
{
	const struct toll_yaml_node *map = entry->value;
	struct references receivers = { toll_yaml_find(map, "receivers"), path,
		                        TOLL_SECTION_RECEIVERS, true };
	struct references processors = { toll_yaml_find(map, "processors"), path,
		                         TOLL_SECTION_PROCESSORS, false };
	struct references exporters = { toll_yaml_find(map, "exporters"), path,
		                        TOLL_SECTION_EXPORTERS, true };

	if (!toll_yaml_is_null(map) && map->kind != TOLL_YAML_MAP) {
		toll_parser_error(p, entry, path, "must be a mapping, not %s",
		                  toll_yaml_kind_text(map));
		return;
	}
	check_pipeline_keys(p, entry, path);
	ret->receivers = resolve_all(p, &receivers, config, &ret->receiver_count);
	ret->processors = resolve_all(p, &processors, config, &ret->processor_count);
	ret->exporters = resolve_all(p, &exporters, config, &ret->exporter_count);
	if (!has_items(receivers.entry))
		toll_parser_error(p, entry, path, "must have at least one receiver");
	if (!has_items(exporters.entry))
		toll_parser_error(p, entry, path, "must have at least one exporter");
}

static void parse_pipelines(struct toll_parser *p, const struct toll_yaml_entry *entry,
                            const struct toll_yaml_path *up, struct toll_config *config)
{
	const struct toll_yaml_path path = { up, TOLL_SLICE("pipelines") };
	const struct toll_yaml_node *map = entry ? entry->value : NULL;

	if (!map || map->kind != TOLL_YAML_MAP || !map->count) {
		const struct toll_yaml_entry nowhere = { 0 };

		toll_parser_error(p, entry ? entry : &nowhere, &path,
		                  "must have at least one pipeline: "
		                  "traces: {receivers: [...], exporters: [...]}");
		return;
	}
	if (map->count > PIPELINES_MAX) {
		toll_parser_error(p, entry, &path, "more than %d pipelines", PIPELINES_MAX);
		return;
	}
	config->pipelines = toll_arena_new(p->arena, struct toll_config_pipeline, map->count);
	if (!config->pipelines) {
		p->err = TOLL_ENOMEM;
		return;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct toll_yaml_entry *at = &map->entries[i];
		const struct toll_yaml_path here = { &path, at->key };
		struct toll_config_pipeline *one = &config->pipelines[config->pipeline_count];

		if (!check_pipeline_id(p, at, &here, config))
			continue;
		*one = (struct toll_config_pipeline){ .id = toll_arena_strdup(p->arena, at->key),
			                              .file = at->file,
			                              .line = at->line,
			                              .column = at->column };
		if (!one->id)
			p->err = TOLL_ENOMEM;
		parse_pipeline(p, at, &here, config, one);
		config->pipeline_count++;
	}
}

/* ---- the section ---- */

static void check_service_keys(struct toll_parser *p, const struct toll_yaml_node *map,
                               const struct toll_yaml_path *path)
{
	for (size_t i = 0; map && map->kind == TOLL_YAML_MAP && i < map->count; i++) {
		const struct toll_yaml_path key = { path, map->entries[i].key };
		bool known = false;

		for (const char *const *name = service_keys; *name; name++)
			known |= toll_slice_is(key.name, *name);
		if (!known)
			toll_parser_unknown(p, &map->entries[i], &key, service_keys);
	}
}

void toll_service_parse(struct toll_parser *p, const struct toll_yaml_entry *entry,
                        struct toll_config *config)
{
	const struct toll_yaml_path path = { NULL, TOLL_SLICE("service") };
	const struct toll_yaml_path telemetry = { &path, TOLL_SLICE("telemetry") };
	const struct toll_yaml_path extensions = { &path, TOLL_SLICE("extensions") };
	const struct toll_yaml_node *map = entry ? entry->value : NULL;
	struct references refs = { toll_yaml_find(map, "extensions"), &extensions,
		                   TOLL_SECTION_EXTENSIONS, false };

	check_service_keys(p, map, &path);
	config->extensions = resolve_all(p, &refs, config, &config->extension_count);
	parse_pipelines(p, toll_yaml_find(map, "pipelines"), &path, config);
	if (!p->err)
		toll_connectors_check(p, config);
	toll_telemetry_parse(p, toll_yaml_find(map, "telemetry"), &telemetry, &config->telemetry);
}
