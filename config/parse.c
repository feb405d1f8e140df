/* SPDX-License-Identifier: Apache-2.0 */
#include "config/parse.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "config/scalar.h"
#include "config/suggest.h"

#define PATH_TEXT  512
#define SHOWN_TEXT 60

/* One value on its way into its place. */
struct spot {
	struct toll_parser *parser;
	const struct toll_field *field;
	const struct toll_yaml_node *node;
	const struct toll_yaml_entry *entry; /* for its line */
	const struct toll_yaml_path *path;
	void *to; /* field->offset already added */
};

/* ---- findings ---- */

static size_t path_text(const struct toll_yaml_path *path, char *buf, size_t size)
{
	size_t len;
	int n;

	if (!path)
		return 0;
	len = path_text(path->up, buf, size);
	if (len >= size - 1)
		return len;
	n = snprintf(buf + len, size - len, "%s%.*s", len ? "::" : "", TOLL_FMT(path->name));
	return n < 0 ? len : len + (size_t)n < size ? len + (size_t)n : size - 1;
}

static struct toll_place place_in(const struct toll_parser *p, struct toll_place at)
{
	if (!at.file)
		at.file = p->file;
	return at;
}

void toll_parser_report(struct toll_parser *p, enum toll_severity severity, struct toll_place at,
                        const struct toll_yaml_path *path, const char *fmt, ...)
{
	char text[PATH_TEXT] = "";
	va_list ap;

	path_text(path, text, sizeof(text));
	va_start(ap, fmt);
	toll_findings_vadd(p->findings, severity, place_in(p, at), text, fmt, ap);
	va_end(ap);
}

void toll_parser_unknown(struct toll_parser *p, const struct toll_yaml_entry *entry,
                         const struct toll_yaml_path *path, const char *const *names)
{
	struct toll_suggest s;
	char list[256] = "";
	size_t len = 0;

	toll_suggest_init(&s, entry->key);
	for (const char *const *name = names; *name; name++) {
		toll_suggest_offer(&s, *name);
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
			                        len ? ", " : "", *name);
	}
	if (s.best)
		toll_parser_error(p, entry, path, "unknown key, did you mean \"%s\"?", s.best);
	else
		toll_parser_error(p, entry, path, "unknown key; known are: %s%s", list,
		                  len >= sizeof(list) ? "..." : "");
}

/* The deepest entry on the way that relative ("producer::compression") names. */
static const struct toll_yaml_entry *entry_at(const struct toll_yaml_entry *from,
                                              const char *relative)
{
	const struct toll_yaml_entry *at = from;

	while (*relative && at->value) {
		const char *end = strstr(relative, "::");
		struct toll_slice name =
			toll_slice(relative, end ? (size_t)(end - relative) : strlen(relative));
		const struct toll_yaml_node *node = at->value;
		const struct toll_yaml_entry *next = NULL;

		if (node->kind == TOLL_YAML_MAP)
			for (size_t i = 0; i < node->count && !next; i++)
				if (toll_slice_eq(node->entries[i].key, name))
					next = &node->entries[i];
		if (node->kind == TOLL_YAML_LIST && strtoul(relative, NULL, 10) < node->count)
			next = &node->entries[strtoul(relative, NULL, 10)];
		if (!next)
			break;
		at = next;
		relative += name.len + (end ? 2 : 0);
	}
	return at;
}

struct toll_place toll_config_place(const struct toll_config_component *c, const char *setting)
{
	return c->entry ? TOLL_PLACE_OF(entry_at(c->entry, setting)) : TOLL_PLACE_OF(c);
}

static void report_relative(struct toll_reporter *r, enum toll_severity severity,
                            const char *relative, const char *fmt, va_list ap) TOLL_PRINTF(4, 0);

static void report_relative(struct toll_reporter *r, enum toll_severity severity,
                            const char *relative, const char *fmt, va_list ap)
{
	const struct toll_yaml_entry *at = entry_at(r->entry, relative);
	struct toll_place place = place_in(r->parser, TOLL_PLACE_OF(at));
	const struct toll_yaml_path path = { r->path, toll_slice_str(relative) };
	char text[PATH_TEXT] = "";

	path_text(*relative ? &path : r->path, text, sizeof(text));
	toll_findings_vadd(r->parser->findings, severity, place, text, fmt, ap);
}

void toll_report_error(struct toll_reporter *r, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_relative(r, TOLL_FINDING_ERROR, path, fmt, ap);
	va_end(ap);
}

void toll_report_warning(struct toll_reporter *r, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_relative(r, TOLL_FINDING_WARNING, path, fmt, ap);
	va_end(ap);
}

/* "... is what is wrong with it": shows the value, but never a secret. */
static void refuse(const struct spot *s, struct toll_slice value, const char *why)
{
	if (s->field->type == TOLL_FIELD_SECRET || s->field->secret)
		toll_parser_error(s->parser, s->entry, s->path, "the value %s", why);
	else
		toll_parser_error(s->parser, s->entry, s->path, "\"%.*s%s\" %s",
		                  value.len > SHOWN_TEXT ? SHOWN_TEXT : (int)value.len, value.ptr,
		                  value.len > SHOWN_TEXT ? "..." : "", why);
}

/* ---- scalars ---- */

/* Nothing was said. A variable that holds, say, "#1" is null to YAML, but a value to its user. */
static bool is_absent(const struct toll_yaml_node *node)
{
	return toll_yaml_is_null(node) && !(node && !toll_scalar_is_null(node->source));
}

/* What a node says as text: for ${...} what it stood for, whatever YAML makes of that. */
static bool text_of(const struct spot *s, const struct toll_yaml_node *node, struct toll_slice *ret)
{
	if (node->kind == TOLL_YAML_LIST || node->kind == TOLL_YAML_MAP) {
		if (!node->source.ptr) {
			toll_parser_error(s->parser, s->entry, s->path,
			                  "must be a single value, not %s",
			                  toll_yaml_kind_text(node));
			return false;
		}
		*ret = node->source;
		return true;
	}
	*ret = node->source.ptr ? node->source : node->text;
	if (memchr(ret->ptr, '\0', ret->len)) {
		toll_parser_error(s->parser, s->entry, s->path, "must not contain a NUL byte");
		return false;
	}
	return true;
}

/* A copy that lives as long as the configuration, NUL-terminated behind its end. */
static struct toll_slice keep(const struct spot *s, struct toll_slice text)
{
	char *copy = toll_arena_strdup(s->parser->arena, text);

	if (copy)
		return toll_slice(copy, text.len);
	s->parser->err = TOLL_ENOMEM;
	return toll_slice("", 0);
}

static bool within(const struct spot *s, struct toll_slice text, int64_t value)
{
	const struct toll_field *f = s->field;
	char why[96];

	if ((!f->min && !f->max) || (value >= f->min && (f->max < f->min || value <= f->max)))
		return true;
	if (f->type != TOLL_FIELD_INT)
		snprintf(why, sizeof(why), "is too %s", value < f->min ? "small" : "large");
	else if (f->max < f->min || f->max == INT64_MAX)
		snprintf(why, sizeof(why), "must be at least %" PRId64, f->min);
	else
		snprintf(why, sizeof(why), "must be between %" PRId64 " and %" PRId64, f->min,
		         f->max);
	refuse(s, text, why);
	return false;
}

static void set_bool(const struct spot *s, struct toll_slice text)
{
	bool odd = false, value = false;
	const char *why = toll_scalar_bool(text, &value, &odd);

	if (why) {
		refuse(s, text, why);
		return;
	}
	*(bool *)s->to = value;
	if (odd)
		toll_parser_warning(s->parser, s->entry, s->path, "taken as %s: write %s",
		                    value ? "true" : "false", value ? "true" : "false");
}

static void set_int(const struct spot *s, struct toll_slice text)
{
	int64_t value = 0;
	const char *why = toll_scalar_int(text, &value);

	if (why)
		refuse(s, text, why);
	else if (within(s, text, value))
		*(int64_t *)s->to = value;
}

static void set_unsigned(const struct spot *s, struct toll_slice text)
{
	uint64_t value = 0;
	const char *why = s->field->type == TOLL_FIELD_SIZE ? toll_scalar_size(text, &value)
	                                                    : toll_scalar_duration(text, &value);

	if (why)
		refuse(s, text, why);
	else if (within(s, text, (int64_t)value))
		*(uint64_t *)s->to = value;
}

static void set_money(const struct spot *s, struct toll_slice text)
{
	int64_t value = 0;
	const char *why = toll_scalar_money(text, &value);

	if (why)
		refuse(s, text, why);
	else if (within(s, text, value))
		*(int64_t *)s->to = value;
}

static void set_ratio(const struct spot *s, struct toll_slice text)
{
	const struct toll_field *f = s->field;
	double value = 0, min = (double)f->min / 1000, max = (double)f->max / 1000;
	const char *why = toll_scalar_ratio(text, &value);
	char range[96];

	if (!why && (f->min || f->max) && (value < min || (f->max >= f->min && value > max))) {
		if (f->max >= f->min)
			snprintf(range, sizeof(range), "must be between %g and %g", min, max);
		else
			snprintf(range, sizeof(range), "must be at least %g", min);
		why = range;
	}
	if (why)
		refuse(s, text, why);
	else
		*(double *)s->to = value;
}

static void refuse_choice(const struct spot *s, struct toll_slice text)
{
	struct toll_suggest suggest;
	char why[256];
	size_t len = (size_t)snprintf(why, sizeof(why), "must be one of");

	toll_suggest_init(&suggest, text);
	for (const char *const *c = s->field->choices; *c && len < sizeof(why); c++) {
		toll_suggest_offer(&suggest, *c);
		len += (size_t)snprintf(why + len, sizeof(why) - len, "%s %s",
		                        c == s->field->choices ? "" : ",", *c);
	}
	if (suggest.best && len < sizeof(why))
		snprintf(why + len, sizeof(why) - len, "; did you mean \"%s\"?", suggest.best);
	refuse(s, text, why);
}

static void set_enum(const struct spot *s, struct toll_slice text)
{
	for (int i = 0; s->field->choices[i]; i++)
		if (strlen(s->field->choices[i]) == text.len &&
		    strncasecmp(s->field->choices[i], text.ptr, text.len) == 0) {
			*(int *)s->to = i;
			return;
		}
	refuse_choice(s, text);
}

static void set_string(const struct spot *s, struct toll_slice text)
{
	*(struct toll_slice *)s->to = keep(s, text);
}

/* true, 2245 and 1.5 are what they look like; whatever stands in quotes is text. */
static void set_any(const struct spot *s)
{
	struct toll_any *to = s->to;
	struct toll_slice text;
	bool odd = false;

	if (!text_of(s, s->node, &text))
		return;
	to->text = keep(s, text);
	to->type = TOLL_ANY_STRING;
	if (s->node->kind != TOLL_YAML_SCALAR || !s->node->plain)
		return;
	if (!toll_scalar_bool(text, &to->boolean, &odd) && !odd)
		to->type = TOLL_ANY_BOOL;
	else if (!toll_scalar_int(text, &to->integer))
		to->type = TOLL_ANY_INT;
	else if (!toll_scalar_ratio(text, &to->number))
		to->type = TOLL_ANY_DOUBLE;
}

/* ---- lists, maps, groups ---- */

static void *new_array(const struct spot *s, size_t size, size_t count)
{
	void *at = toll_arena_array(s->parser->arena, size, _Alignof(max_align_t), count);

	if (!at)
		s->parser->err = TOLL_ENOMEM;
	else if (count > 0)
		memset(at, 0, size * count);
	return at;
}

static struct toll_slice trim(struct toll_slice s)
{
	while (s.len && *s.ptr == ' ')
		s = toll_slice(s.ptr + 1, s.len - 1);
	while (s.len && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* "a, b": one scalar is split at its commas, as the Collector does. */
static void split_list(const struct spot *s, struct toll_slice text)
{
	struct toll_slice_list *to = s->to;
	size_t count = 1, n = 0;
	struct toll_slice *at;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == ',';
	at = new_array(s, sizeof(*at), text.len ? count : 0);
	while (at && text.len) {
		const char *comma = memchr(text.ptr, ',', text.len);
		size_t len = comma ? (size_t)(comma - text.ptr) : text.len;

		at[n] = trim(toll_slice(text.ptr, len));
		at[n] = keep(s, at[n]);
		n++;
		len += comma ? 1 : 0;
		text = toll_slice(text.ptr + len, text.len - len);
	}
	*to = (struct toll_slice_list){ at, n };
}

static void set_list(const struct spot *s)
{
	struct toll_slice_list *to = s->to;
	struct toll_slice *at, text;

	if (s->node->kind != TOLL_YAML_LIST) {
		if (text_of(s, s->node, &text))
			split_list(s, text);
		return;
	}
	at = new_array(s, sizeof(*at), s->node->count);
	for (size_t i = 0; at && i < s->node->count; i++) {
		const struct toll_yaml_entry *entry = &s->node->entries[i];
		const struct spot item = {
			s->parser, s->field, entry->value, entry, s->path, NULL
		};

		if (is_absent(entry->value))
			toll_parser_error(s->parser, entry, s->path,
			                  "an item of the list is empty");
		else if (text_of(&item, entry->value, &text))
			at[i] = keep(s, text);
	}
	*to = (struct toll_slice_list){ at, s->node->count };
}

static void set_map(const struct spot *s)
{
	struct toll_pair_list *to = s->to;
	struct toll_pair *at;

	if (s->node->kind != TOLL_YAML_MAP) {
		toll_parser_error(s->parser, s->entry, s->path, "must be a mapping, not %s",
		                  toll_yaml_kind_text(s->node));
		return;
	}
	at = new_array(s, sizeof(*at), s->node->count);
	for (size_t i = 0; at && i < s->node->count; i++) {
		const struct toll_yaml_entry *entry = &s->node->entries[i];
		const struct toll_yaml_path path = { s->path, entry->key };
		const struct spot item = { s->parser, s->field, entry->value, entry, &path, NULL };
		struct toll_slice text = toll_slice("", 0);

		if (is_absent(entry->value) || text_of(&item, entry->value, &text))
			at[i] = (struct toll_pair){ keep(s, entry->key), keep(s, text) };
	}
	*to = (struct toll_pair_list){ at, s->node->count };
}

static void set_groups(const struct spot *s)
{
	struct toll_group_list *to = s->to;
	size_t size = s->field->group_size;
	char *at;

	if (s->node->kind != TOLL_YAML_LIST) {
		toll_parser_error(s->parser, s->entry, s->path,
		                  "must be a list (\"- ...\"), not %s",
		                  toll_yaml_kind_text(s->node));
		return;
	}
	at = new_array(s, size, s->node->count);
	for (size_t i = 0; at && i < s->node->count; i++) {
		char number[24];
		const struct toll_yaml_path path = { s->path, toll_slice(number, 0) };
		struct toll_yaml_path item = path;

		item.name.len = (size_t)snprintf(number, sizeof(number), "%zu", i);
		toll_fields_parse(s->parser, s->field->group, &s->node->entries[i], &item,
		                  at + i * size);
	}
	if (at)
		*to = (struct toll_group_list){ at, s->node->count };
}

/* ---- one field ---- */

static void set_scalar(const struct spot *s)
{
	static void (*const by_type[])(const struct spot *s, struct toll_slice text) = {
		[TOLL_FIELD_BOOL] = set_bool,     [TOLL_FIELD_INT] = set_int,
		[TOLL_FIELD_SIZE] = set_unsigned, [TOLL_FIELD_DURATION] = set_unsigned,
		[TOLL_FIELD_MONEY] = set_money,   [TOLL_FIELD_RATIO] = set_ratio,
		[TOLL_FIELD_STRING] = set_string, [TOLL_FIELD_SECRET] = set_string,
		[TOLL_FIELD_ENUM] = set_enum,
	};
	struct toll_slice text;

	if (text_of(s, s->node, &text))
		by_type[s->field->type](s, text);
}

static void set_value(const struct spot *s)
{
	switch (s->field->type) {
	case TOLL_FIELD_GROUP:
		toll_fields_parse(s->parser, s->field->group, s->entry, s->path, s->to);
		break;
	case TOLL_FIELD_GROUPS:
		set_groups(s);
		break;
	case TOLL_FIELD_LIST:
		set_list(s);
		break;
	case TOLL_FIELD_MAP:
		set_map(s);
		break;
	case TOLL_FIELD_ANY:
		set_any(s);
		break;
	default:
		set_scalar(s);
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
	struct spot s = { p, f, NULL, &entry, &path, to };

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
	struct spot s = { p, f, entry->value, entry, &path, NULL };

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
	if (!is_absent(entry->value))
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
