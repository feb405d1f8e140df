/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - the configuration in force as YAML that loads again: defaults filled in, secrets
 * hidden. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "config/config.h"
#include "config/scalar.h"
#include "config/service.h"

#define REDACTED "[REDACTED]"

static void indent(FILE *out, unsigned level)
{
	for (unsigned i = 0; i < level; i++)
		fputs("  ", out);
}

/* Safe without quotes, in lists too, and text to other readers of YAML as well: no number, no bool.
 */
static bool is_simple(struct toll_slice s)
{
	bool value, odd;

	if (!s.len || !(isalpha((unsigned char)*s.ptr) || *s.ptr == '/') ||
	    s.ptr[s.len - 1] == ':' || toll_scalar_is_null(s) || !toll_scalar_bool(s, &value, &odd))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) && !strchr("_-./:", s.ptr[i]))
			return false;
	return true;
}

static void print_quoted(FILE *out, struct toll_slice s)
{
	fputc('"', out);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '$')
			fputs("$$", out); /* or it would be expanded on reading */
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void print_text(FILE *out, struct toll_slice s)
{
	if (is_simple(s))
		fprintf(out, "%.*s", TOLL_FMT(s));
	else
		print_quoted(out, s);
}

static void print_list(FILE *out, const struct toll_slice_list *list)
{
	fputs(" [", out);
	for (size_t i = 0; i < list->count; i++) {
		fputs(i ? ", " : "", out);
		print_text(out, list->at[i]);
	}
	fputs("]\n", out);
}

static void print_map(FILE *out, const struct toll_pair_list *map, bool secret, unsigned level)
{
	fputs(map->count ? "\n" : " {}\n", out);
	for (size_t i = 0; i < map->count; i++) {
		indent(out, level + 1);
		print_text(out, map->at[i].key);
		fputs(": ", out);
		if (secret)
			fputs("\"" REDACTED "\"", out);
		else
			print_text(out, map->at[i].value);
		fputc('\n', out);
	}
}

static void print_any(FILE *out, const struct toll_any *any)
{
	if (any->type == TOLL_ANY_STRING)
		print_text(out, any->text);
	else
		fputs(any->type == TOLL_ANY_NONE ? "null" : any->text.ptr, out);
}

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

static void print_fields(FILE *out, const struct toll_field *fields, const void *config,
                         unsigned level, bool in_item);

static void print_groups(FILE *out, const struct toll_field *f, const struct toll_group_list *list,
                         unsigned level)
{
	fputs(list->count ? "\n" : " []\n", out);
	for (size_t i = 0; i < list->count; i++) {
		indent(out, level + 1);
		fputs("- ", out);
		print_fields(out, f->group, (const char *)list->at + i * f->group_size, level + 2,
		             true);
	}
}

static void print_value(FILE *out, const struct toll_field *f, const void *at, unsigned level)
{
	const struct toll_slice *text = at;
	char buf[TOLL_SCALAR_TEXT];

	switch (f->type) {
	case TOLL_FIELD_STRING:
		fputc(' ', out);
		print_text(out, *text);
		fputc('\n', out);
		break;
	case TOLL_FIELD_SECRET:
		fputs(text->len ? " \"" REDACTED "\"\n" : " \"\"\n", out);
		break;
	case TOLL_FIELD_LIST:
		print_list(out, at);
		break;
	case TOLL_FIELD_MAP:
		print_map(out, at, f->secret, level);
		break;
	case TOLL_FIELD_ANY:
		fputc(' ', out);
		print_any(out, at);
		fputc('\n', out);
		break;
	case TOLL_FIELD_GROUP:
		fputc('\n', out);
		print_fields(out, f->group, at, level + 1, false);
		break;
	case TOLL_FIELD_GROUPS:
		print_groups(out, f, at, level);
		break;
	default:
		fprintf(out, " %s\n", scalar_text(f, at, buf));
		break;
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

/* in_item: the first line follows a "- " that stands already. */
static void print_fields(FILE *out, const struct toll_field *fields, const void *config,
                         unsigned level, bool in_item)
{
	bool first = in_item;

	for (const struct toll_field *f = fields; f->name; f++) {
		if (!is_shown(f, config))
			continue;
		if (!first)
			indent(out, level);
		first = false;
		fprintf(out, "%s:", f->name);
		print_value(out, f, (const char *)config + f->offset, level);
	}
	if (first)
		fputs("{}\n", out);
}

static void print_component(FILE *out, const struct toll_config_component *c)
{
	fputs("  ", out);
	print_text(out, toll_slice_str(c->id));
	fputs(":\n", out);
	print_fields(out, c->type->fields, c->settings, 2, false);
}

static void print_ids(FILE *out, const char *key, unsigned level,
                      struct toll_config_component *const *list, size_t count)
{
	indent(out, level);
	fprintf(out, "%s: [", key);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		print_text(out, toll_slice_str(list[i]->id));
	}
	fputs("]\n", out);
}

static void print_telemetry(FILE *out, const struct toll_config_telemetry *t)
{
	fputs("  telemetry:\n    metrics:\n", out);
	if (!t->metrics_enabled) {
		fputs("      level: none\n", out);
	} else {
		fputs("      readers:\n        - pull:\n            exporter:\n"
		      "              prometheus:\n                host: ",
		      out);
		print_text(out, t->metrics_host);
		fprintf(out,
		        "\n                port: %" PRId64
		        "\n                without_type_suffix: %s\n",
		        t->metrics_port, t->without_type_suffix ? "true" : "false");
	}
	fprintf(out, "    logs:\n      level: %.*s\n", TOLL_FMT(t->log_level));
}

static void print_service(FILE *out, const struct toll_config *c)
{
	fputs("service:\n", out);
	print_ids(out, "extensions", 1, c->extensions, c->extension_count);
	fputs("  pipelines:\n", out);
	for (size_t i = 0; i < c->pipeline_count; i++) {
		const struct toll_config_pipeline *p = &c->pipelines[i];

		fputs("    ", out);
		print_text(out, toll_slice_str(p->id));
		fputs(":\n", out);
		print_ids(out, "receivers", 3, p->receivers, p->receiver_count);
		print_ids(out, "processors", 3, p->processors, p->processor_count);
		print_ids(out, "exporters", 3, p->exporters, p->exporter_count);
	}
	print_telemetry(out, &c->telemetry);
}

int toll_config_print(const struct toll_config *c, FILE *out)
{
	for (int s = 0; s < TOLL_SECTION_COUNT; s++) {
		if (!c->component_count[s])
			continue;
		fprintf(out, "%s:\n", toll_section_key(s));
		for (size_t i = 0; i < c->component_count[s]; i++)
			print_component(out, &c->components[s][i]);
	}
	print_service(out, c);
	return ferror(out) ? TOLL_EREFUSED : 0;
}
