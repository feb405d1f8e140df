/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - the configuration in force as a document that loads again: defaults filled in, secrets
 * hidden. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config/config.h"
#include "config/emit.h"
#include "config/scalar.h"
#include "config/secret.h"
#include "config/service.h"

#define ARENA_LIMIT ((size_t)256 * 1024 * 1024)

struct printer {
	struct toll_arena arena;
	bool reveal; /* secrets too */
	bool failed; /* out of memory */
};

/* ---- nodes ---- */

static struct toll_yaml_node *new_node(struct printer *p, enum toll_yaml_kind kind, size_t room)
{
	static struct toll_yaml_node none;
	struct toll_yaml_node *node = toll_arena_new(&p->arena, struct toll_yaml_node, 1);
	struct toll_yaml_entry *entries = toll_arena_new(&p->arena, struct toll_yaml_entry, room);

	if (!node || !entries) {
		p->failed = true;
		return &none;
	}
	*node = (struct toll_yaml_node){ .kind = kind, .entries = entries };
	return node;
}

static void add(struct printer *p, struct toll_yaml_node *to, const char *key,
                struct toll_yaml_node *value)
{
	if (!p->failed)
		to->entries[to->count++] =
			(struct toll_yaml_entry){ .key = toll_slice_str(key ? key : ""),
			                          .value = value };
}

static struct toll_yaml_node *text_node(struct printer *p, struct toll_slice text)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_SCALAR, 0);

	if (!p->failed)
		node->text = text;
	return node;
}

/* Numbers, bools, durations: they mean themselves. */
static struct toll_yaml_node *plain_node(struct printer *p, const char *text)
{
	struct toll_slice copy = toll_arena_dup(&p->arena, toll_slice_str(text));
	struct toll_yaml_node *node = text_node(p, copy);

	p->failed |= !copy.ptr;
	if (!p->failed)
		node->plain = true;
	return node;
}

/* Text a user wrote; what is secret in it is hidden. */
static struct toll_yaml_node *value_node(struct printer *p, struct toll_slice text)
{
	if (!p->reveal)
		text = toll_secret_hide_userinfo(&p->arena, text);
	p->failed |= !text.ptr;
	return text_node(p, text);
}

static struct toll_yaml_node *secret_node(struct printer *p, struct toll_slice text)
{
	return text_node(p, p->reveal || !text.len ? text : TOLL_SLICE(TOLL_SECRET_HIDDEN));
}

/* ---- settings ---- */

static const char *scalar_text(const struct toll_field *f, const void *at, char *buf)
{
	switch (f->type) {
	case TOLL_FIELD_BOOL:
		return *(const bool *)at ? "true" : "false";
	case TOLL_FIELD_INT:
		snprintf(buf, TOLL_SCALAR_TEXT, "%" PRId64, *(const int64_t *)at);
		return buf;
	case TOLL_FIELD_SIZE:
		return toll_scalar_size_text(*(const uint64_t *)at, buf);
	case TOLL_FIELD_DURATION:
		return toll_scalar_duration_text(*(const uint64_t *)at, buf);
	case TOLL_FIELD_MONEY:
		return toll_scalar_money_text(*(const int64_t *)at, buf);
	case TOLL_FIELD_RATIO:
		return toll_scalar_ratio_text(*(const double *)at, buf);
	case TOLL_FIELD_ENUM:
		return f->choices[*(const int *)at];
	default:
		return "";
	}
}

static struct toll_yaml_node *list_node(struct printer *p, const struct toll_slice_list *list,
                                        bool secret)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_LIST, list->count);

	for (size_t i = 0; i < list->count && !p->failed; i++)
		add(p, node, NULL,
		    secret ? secret_node(p, list->at[i]) : value_node(p, list->at[i]));
	return node;
}

static struct toll_yaml_node *map_node(struct printer *p, const struct toll_pair_list *map,
                                       bool secret)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_MAP, map->count);

	for (size_t i = 0; i < map->count && !p->failed; i++) {
		struct toll_slice value = map->at[i].value;
		bool hide = secret || toll_secret_is_key(map->at[i].key);

		add(p, node, map->at[i].key.ptr,
		    hide ? secret_node(p, value) : value_node(p, value));
	}
	return node;
}

static struct toll_yaml_node *fields_node(struct printer *p, const struct toll_field *fields,
                                          const char *config);

static struct toll_yaml_node *groups_node(struct printer *p, const struct toll_field *f,
                                          const struct toll_group_list *list)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_LIST, list->count);

	for (size_t i = 0; i < list->count && !p->failed; i++)
		add(p, node, NULL,
		    fields_node(p, f->group, (const char *)list->at + i * f->group_size));
	return node;
}

static struct toll_yaml_node *any_node(struct printer *p, const struct toll_any *any)
{
	if (any->type == TOLL_ANY_NONE)
		return new_node(p, TOLL_YAML_NULL, 0);
	return any->type == TOLL_ANY_STRING ? value_node(p, any->text)
	                                    : plain_node(p, any->text.ptr);
}

static struct toll_yaml_node *field_node(struct printer *p, const struct toll_field *f,
                                         const void *at)
{
	char buf[TOLL_SCALAR_TEXT];

	switch (f->type) {
	case TOLL_FIELD_STRING:
		return value_node(p, *(const struct toll_slice *)at);
	case TOLL_FIELD_SECRET:
		return secret_node(p, *(const struct toll_slice *)at);
	case TOLL_FIELD_LIST:
		return list_node(p, at, f->secret);
	case TOLL_FIELD_MAP:
		return map_node(p, at, f->secret);
	case TOLL_FIELD_ANY:
		return any_node(p, at);
	case TOLL_FIELD_GROUP:
		return fields_node(p, f->group, at);
	case TOLL_FIELD_GROUPS:
		return groups_node(p, f, at);
	default:
		return plain_node(p, scalar_text(f, at, buf));
	}
}

/* A list that was never given is not printed: for some of them empty means something else. */
static bool is_shown(const struct toll_field *f, const char *config)
{
	const struct toll_group_list *groups = (const void *)(config + f->offset);

	if (f->alias_of || f->later)
		return false;
	if (f->type == TOLL_FIELD_GROUPS)
		return groups->at;
	return f->type != TOLL_FIELD_GROUP || !f->present ||
	       *(const bool *)(const void *)(config + f->present);
}

static struct toll_yaml_node *fields_node(struct printer *p, const struct toll_field *fields,
                                          const char *config)
{
	struct toll_yaml_node *node;
	size_t count = 0;

	while (fields[count].name)
		count++;
	node = new_node(p, TOLL_YAML_MAP, count);
	for (const struct toll_field *f = fields; f->name && !p->failed; f++)
		if (is_shown(f, config))
			add(p, node, f->name, field_node(p, f, config + f->offset));
	return node;
}

/* ---- service ---- */

static struct toll_yaml_node *ids_node(struct printer *p, struct toll_config_component *const *list,
                                       size_t count)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_LIST, count);

	for (size_t i = 0; i < count; i++)
		add(p, node, NULL, text_node(p, toll_slice_str(list[i]->id)));
	return node;
}

/* {key: value}, for the Collector's nesting. */
static struct toll_yaml_node *one(struct printer *p, const char *key, struct toll_yaml_node *value)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_MAP, 1);

	add(p, node, key, value);
	return node;
}

static struct toll_yaml_node *metrics_node(struct printer *p, const struct toll_config_telemetry *t)
{
	struct toll_yaml_node *prometheus, *readers;
	char port[TOLL_SCALAR_TEXT];

	if (!t->metrics_enabled)
		return one(p, "level", text_node(p, TOLL_SLICE("none")));
	snprintf(port, sizeof(port), "%" PRId64, t->metrics_port);
	prometheus = new_node(p, TOLL_YAML_MAP, 3);
	add(p, prometheus, "host", text_node(p, t->metrics_host));
	add(p, prometheus, "port", plain_node(p, port));
	add(p, prometheus, "without_type_suffix",
	    plain_node(p, t->without_type_suffix ? "true" : "false"));
	readers = new_node(p, TOLL_YAML_LIST, 1);
	add(p, readers, NULL, one(p, "pull", one(p, "exporter", one(p, "prometheus", prometheus))));
	return one(p, "readers", readers);
}

static struct toll_yaml_node *pipelines_node(struct printer *p, const struct toll_config *c)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_MAP, c->pipeline_count);

	for (size_t i = 0; i < c->pipeline_count && !p->failed; i++) {
		const struct toll_config_pipeline *from = &c->pipelines[i];
		struct toll_yaml_node *pipeline = new_node(p, TOLL_YAML_MAP, 3);

		add(p, pipeline, "receivers", ids_node(p, from->receivers, from->receiver_count));
		add(p, pipeline, "processors",
		    ids_node(p, from->processors, from->processor_count));
		add(p, pipeline, "exporters", ids_node(p, from->exporters, from->exporter_count));
		add(p, node, from->id, pipeline);
	}
	return node;
}

static struct toll_yaml_node *number_node(struct printer *p, int64_t n)
{
	char text[TOLL_SCALAR_TEXT];

	snprintf(text, sizeof(text), "%" PRId64, n);
	return plain_node(p, text);
}

static struct toll_yaml_node *logs_node(struct printer *p, const struct toll_config_telemetry *t)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_MAP, 3);
	struct toll_yaml_node *sampling = new_node(p, TOLL_YAML_MAP, 4);
	char tick[TOLL_SCALAR_TEXT];

	add(p, node, "level", text_node(p, t->log_level));
	add(p, node, "encoding", plain_node(p, t->log_json ? "json" : "console"));
	add(p, sampling, "enabled", plain_node(p, t->log_sampled ? "true" : "false"));
	add(p, sampling, "tick", plain_node(p, toll_scalar_duration_text(t->log_tick, tick)));
	add(p, sampling, "initial", number_node(p, t->log_initial));
	add(p, sampling, "thereafter", number_node(p, t->log_thereafter));
	add(p, node, "sampling", sampling);
	return node;
}

static struct toll_yaml_node *service_node(struct printer *p, const struct toll_config *c)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_MAP, 3);
	struct toll_yaml_node *telemetry = new_node(p, TOLL_YAML_MAP, 2);

	add(p, telemetry, "metrics", metrics_node(p, &c->telemetry));
	add(p, telemetry, "logs", logs_node(p, &c->telemetry));
	add(p, node, "extensions", ids_node(p, c->extensions, c->extension_count));
	add(p, node, "pipelines", pipelines_node(p, c));
	add(p, node, "telemetry", telemetry);
	return node;
}

/* ---- all of it ---- */

static struct toll_yaml_node *section_node(struct printer *p, const struct toll_config *c, int s)
{
	struct toll_yaml_node *node = new_node(p, TOLL_YAML_MAP, c->component_count[s]);

	for (size_t i = 0; i < c->component_count[s] && !p->failed; i++) {
		const struct toll_config_component *one = &c->components[s][i];

		add(p, node, one->id, fields_node(p, one->type->fields, one->settings));
	}
	return node;
}

int toll_config_print(const struct toll_config *c, const struct toll_print_how *how, FILE *out)
{
	static const struct toll_print_how usual;
	struct printer p = { .reveal = how && how->reveal };
	struct toll_yaml_node *root;

	if (!how)
		how = &usual;
	toll_arena_init(&p.arena, ARENA_LIMIT);
	root = new_node(&p, TOLL_YAML_MAP, TOLL_SECTION_COUNT + 1);
	for (int s = 0; s < TOLL_SECTION_COUNT; s++)
		if (c->component_count[s])
			add(&p, root, toll_section_key(s), section_node(&p, c, s));
	add(&p, root, "service", service_node(&p, c));
	if (!p.failed && how->json)
		toll_emit_json(out, root);
	else if (!p.failed)
		toll_emit_yaml(out, root);
	toll_arena_release(&p.arena);
	if (p.failed)
		return TOLL_ENOMEM;
	return ferror(out) ? TOLL_EREFUSED : 0;
}
