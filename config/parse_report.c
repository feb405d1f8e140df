/* SPDX-License-Identifier: Apache-2.0 */
/* parse_report.c - findings with file, line, column and the path of keys. */
#include "config/parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "config/suggest.h"

#define PATH_TEXT 512

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

/* The deepest entry on the way that *rest ("producer::compression") names; *rest: what is not
 * there. */
static const struct toll_yaml_entry *walk(const struct toll_yaml_entry *from, const char **rest)
{
	const struct toll_yaml_entry *at = from;

	while (**rest && at->value) {
		const char *end = strstr(*rest, "::");
		struct toll_slice name =
			toll_slice(*rest, end ? (size_t)(end - *rest) : strlen(*rest));
		const struct toll_yaml_node *node = at->value;
		const struct toll_yaml_entry *next = NULL;

		if (node->kind == TOLL_YAML_MAP)
			for (size_t i = 0; i < node->count && !next; i++)
				if (toll_slice_eq(node->entries[i].key, name))
					next = &node->entries[i];
		if (node->kind == TOLL_YAML_LIST && strtoul(*rest, NULL, 10) < node->count)
			next = &node->entries[strtoul(*rest, NULL, 10)];
		if (!next)
			break;
		at = next;
		*rest += name.len + (end ? 2 : 0);
	}
	return at;
}

static const struct toll_yaml_entry *entry_at(const struct toll_yaml_entry *from,
                                              const char *relative)
{
	return walk(from, &relative);
}

bool toll_config_given(const struct toll_config_component *c, const char *setting)
{
	return c->entry && walk(c->entry, &setting) && !*setting;
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
