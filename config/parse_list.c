/* SPDX-License-Identifier: Apache-2.0 */
/* parse_list.c - lists, mappings and lists of groups into fields. */
#include <stdio.h>
#include <string.h>

#include "config/parse_inside.h"

static void *new_array(const struct toll_spot *s, size_t size, size_t count)
{
	void *at = toll_arena_array(s->parser->arena, size, _Alignof(max_align_t), count);

	if (!at)
		s->parser->err = TOLL_ENOMEM;
	else if (count > 0)
		memset(at, 0, size * count);
	return at;
}

/* "a, b": one scalar is split at its commas, as the Collector does. */
static void split_list(const struct toll_spot *s, struct toll_slice text)
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

		at[n] = toll_slice_trim(toll_slice(text.ptr, len), " ");
		at[n] = toll_spot_keep(s, at[n]);
		n++;
		len += comma ? 1 : 0;
		text = toll_slice(text.ptr + len, text.len - len);
	}
	*to = (struct toll_slice_list){ at, n };
}

void toll_spot_set_list(const struct toll_spot *s)
{
	struct toll_slice_list *to = s->to;
	struct toll_slice *at, text;

	if (s->node->kind != TOLL_YAML_LIST) {
		if (toll_spot_text(s, s->node, &text))
			split_list(s, text);
		return;
	}
	at = new_array(s, sizeof(*at), s->node->count);
	for (size_t i = 0; at && i < s->node->count; i++) {
		const struct toll_yaml_entry *entry = &s->node->entries[i];
		const struct toll_spot item = { s->parser, s->field, entry->value,
			                        entry,     s->path,  NULL };

		if (toll_spot_is_absent(entry->value))
			toll_parser_error(s->parser, entry, s->path,
			                  "an item of the list is empty");
		else if (toll_spot_text(&item, entry->value, &text))
			at[i] = toll_spot_keep(s, text);
	}
	*to = (struct toll_slice_list){ at, s->node->count };
}

void toll_spot_set_map(const struct toll_spot *s)
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
		const struct toll_spot item = { s->parser, s->field, entry->value,
			                        entry,     &path,    NULL };
		struct toll_slice text = toll_slice("", 0);

		if (toll_spot_is_absent(entry->value) || toll_spot_text(&item, entry->value, &text))
			at[i] = (struct toll_pair){ toll_spot_keep(s, entry->key),
				                    toll_spot_keep(s, text) };
	}
	*to = (struct toll_pair_list){ at, s->node->count };
}

void toll_spot_set_groups(const struct toll_spot *s)
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
