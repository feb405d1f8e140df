/* SPDX-License-Identifier: Apache-2.0 */
#include "config/merge.h"

#include <string.h>

#include "base/hash.h"

#define SPLIT_KEYS_MAX 1000 /* every one of them copies the outermost mapping */

static struct toll_yaml_node *new_map(struct toll_arena *arena, const struct toll_yaml_node *like,
                                      size_t room, int *ret_err)
{
	struct toll_yaml_node *map = toll_arena_new(arena, struct toll_yaml_node, 1);
	struct toll_yaml_entry *entries = toll_arena_new(arena, struct toll_yaml_entry, room);

	if (!map || !entries) {
		*ret_err = TOLL_ENOMEM;
		return NULL;
	}
	*map = (struct toll_yaml_node){ .kind = TOLL_YAML_MAP,
		                        .file = like->file,
		                        .line = like->line,
		                        .column = like->column,
		                        .entries = entries };
	return map;
}

static struct toll_yaml_node *measured(struct toll_yaml_node *map, int *ret_err)
{
	if (map && toll_yaml_measure(map))
		return map;
	if (map)
		*ret_err = TOLL_ETOOBIG;
	return NULL;
}

/* Puts one key of the later mapping into the joined one, whose keys seen knows. */
static int add_entry(struct toll_arena *arena, struct toll_yaml_node *map, struct toll_table *seen,
                     const struct toll_yaml_entry *entry)
{
	struct toll_yaml_entry *there;
	uint32_t *at;
	bool added;
	int err = toll_table_insert(seen, entry->key, &at, &added);

	if (err < 0)
		return err;
	if (added) {
		*at = (uint32_t)map->count;
		map->entries[map->count++] = *entry;
		return 0;
	}
	there = &map->entries[*at];
	if (there->value->kind == TOLL_YAML_MAP && entry->value->kind == TOLL_YAML_MAP)
		there->value = toll_yaml_merge(arena, there->value, entry->value, &err);
	else
		*there = *entry;
	return err;
}

static int join(struct toll_arena *arena, struct toll_yaml_node *map,
                const struct toll_yaml_node *base, const struct toll_yaml_node *over)
{
	struct toll_table seen;
	int err = toll_table_init(&seen, (uint32_t)(base->count + over->count) + 1);

	if (err < 0)
		return err;
	for (size_t i = 0; i < base->count && !err; i++)
		err = add_entry(arena, map, &seen, &base->entries[i]);
	for (size_t i = 0; i < over->count && !err; i++)
		err = add_entry(arena, map, &seen, &over->entries[i]);
	toll_table_release(&seen);
	return err;
}

struct toll_yaml_node *toll_yaml_merge(struct toll_arena *arena, struct toll_yaml_node *base,
                                       struct toll_yaml_node *over, int *ret_err)
{
	struct toll_yaml_node *map;
	int err;

	if (base->kind != TOLL_YAML_MAP || over->kind != TOLL_YAML_MAP)
		return over;
	map = new_map(arena, base, base->count + over->count, ret_err);
	if (!map)
		return NULL;
	err = join(arena, map, base, over);
	if (err < 0) {
		*ret_err = err;
		return NULL;
	}
	return measured(map, ret_err);
}

/* ---- keys with "::" ---- */

/* {key: value} as a mapping of one; a key "a::b" becomes two. */
static struct toll_yaml_node *chain(struct toll_arena *arena, const struct toll_yaml_entry *entry,
                                    struct toll_slice key, unsigned depth, int *ret_err)
{
	const char *colons = memmem(key.ptr, key.len, "::", 2);
	size_t len = colons ? (size_t)(colons - key.ptr) : key.len;
	struct toll_yaml_node *map = new_map(arena, entry->value, 1, ret_err);
	struct toll_yaml_entry *one;

	if (!map || depth >= TOLL_YAML_MAX_DEPTH) {
		if (map)
			*ret_err = TOLL_ETOOBIG;
		return NULL;
	}
	one = &map->entries[map->count++];
	*one = *entry;
	one->key = toll_slice(toll_arena_strdup(arena, toll_slice(key.ptr, len)), len);
	if (colons)
		one->value = chain(arena, entry, toll_slice(colons + 2, key.len - len - 2),
		                   depth + 1, ret_err);
	if (!one->key.ptr)
		*ret_err = TOLL_ENOMEM;
	return one->key.ptr && one->value ? measured(map, ret_err) : NULL;
}

static bool is_split(const struct toll_yaml_entry *entry)
{
	return memmem(entry->key.ptr, entry->key.len, "::", 2);
}

struct toll_yaml_node *toll_yaml_split_keys(struct toll_arena *arena, struct toll_yaml_node *root,
                                            int *ret_err)
{
	struct toll_yaml_node *map, *one;
	size_t split = 0;

	for (size_t i = 0; root->kind == TOLL_YAML_MAP && i < root->count; i++)
		split += is_split(&root->entries[i]);
	if (!split)
		return root;
	if (split > SPLIT_KEYS_MAX) {
		*ret_err = TOLL_ETOOBIG;
		return NULL;
	}
	map = new_map(arena, root, root->count - split, ret_err);
	for (size_t i = 0; map && i < root->count; i++)
		if (!is_split(&root->entries[i]))
			map->entries[map->count++] = root->entries[i];
	map = measured(map, ret_err);
	for (size_t i = 0; map && i < root->count; i++) {
		if (!is_split(&root->entries[i]))
			continue;
		one = chain(arena, &root->entries[i], root->entries[i].key, 1, ret_err);
		map = one ? toll_yaml_merge(arena, map, one, ret_err) : NULL;
	}
	return map;
}
