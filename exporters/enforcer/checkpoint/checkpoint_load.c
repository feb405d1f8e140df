/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/checkpoint/checkpoint_load.h"

#include <stdio.h>
#include <stdlib.h>

#include "budget/rules_saved.h"
#include "exporters/enforcer/checkpoint/checkpoint_save.h"
#include "exporters/enforcer/checkpoint/checkpoint_subject.h"
#include "exporters/enforcer/totals/service.h"

#define SUBJECTS_AT_FIRST 64

/* A text that ends with NUL in a buffer of its own. */
static bool read_into(struct toll_reader *in, char *buf, size_t size)
{
	struct toll_slice text;

	if (!toll_read_bytes(in, &text) || text.len >= size || memchr(text.ptr, '\0', text.len))
		return false;
	snprintf(buf, size, "%.*s", TOLL_FMT(text));
	return true;
}

static int or_invalid(bool fine)
{
	return fine ? 0 : TOLL_EINVALID;
}

static int load_basics(struct toll_loaded *l, struct toll_reader *in)
{
	uint32_t store, killed;

	if (!read_into(in, l->instance, sizeof(l->instance)) ||
	    !toll_in_u32(in, TOLL_STORE_MEMORY, &store) || !toll_read_varint(in, &l->seq) ||
	    !toll_in_wide(in, &l->lost_nano) || !toll_read_varint(in, &l->overflow_spans) ||
	    !toll_read_varint(in, &l->refused_spans) || !toll_in_u32(in, 1, &killed) ||
	    !read_into(in, l->words.killer, sizeof(l->words.killer)) ||
	    !toll_read_varint(in, &l->words.change_id))
		return TOLL_EINVALID;
	l->store = (enum toll_enforcer_store)store;
	l->words.killed = killed;
	return 0;
}

/* Once: subjects are read by them. */
static int load_rules(struct toll_loaded *l, struct toll_reader *in)
{
	int err;

	if (l->rules.memory)
		return TOLL_EINVALID;
	err = toll_rules_restore(toll_slice(in->at, (size_t)(in->end - in->at)), &l->rules);
	in->at = in->end;
	return err;
}

static int load_budgets(struct toll_loaded *l, struct toll_reader *in)
{
	uint32_t count;

	if (l->said.memory || !toll_in_u32(in, TOLL_RULES_MAX, &count))
		return TOLL_EINVALID;
	if (toll_runtime_texts_init(&l->said, (size_t)(in->end - in->at)) < 0)
		return TOLL_ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct toll_slice name, text;

		if (!toll_read_bytes(in, &name) || !toll_read_bytes(in, &text))
			return TOLL_EINVALID;
		toll_runtime_texts_add(&l->said, name, text);
	}
	return 0;
}

static int load_folded(struct toll_loaded *l, struct toll_reader *in)
{
	char epoch[sizeof(l->folded.at[0].epoch)];
	uint64_t seq;
	uint32_t span;

	if (!read_into(in, epoch, sizeof(epoch)) || !toll_read_varint(in, &seq) ||
	    !toll_in_u32(in, UINT32_MAX, &span))
		return TOLL_EINVALID;
	toll_folded_set(&l->folded, epoch, seq, span);
	return 0;
}

static int load_word(struct toll_loaded *l, struct toll_reader *in)
{
	struct toll_slice line;

	if (!toll_read_bytes(in, &line))
		return TOLL_EINVALID;
	toll_memory_words_record(&l->words, line);
	return 0;
}

/* ---- subjects ---- */

/* The table borrows keys and cannot grow: it is made anew. */
static int grow(struct toll_loaded *l)
{
	uint32_t room = l->room ? 2 * l->room : SUBJECTS_AT_FIRST, *at;
	struct toll_service **more = realloc(l->services, room * sizeof(struct toll_service *));
	struct toll_table table;

	if (!more)
		return TOLL_ENOMEM;
	l->services = more;
	if (toll_table_init(&table, room) < 0)
		return TOLL_ENOMEM;
	toll_table_release(&l->by_key);
	l->by_key = table;
	l->room = room;
	for (uint32_t i = 0; i < l->count; i++)
		if (toll_table_insert(&l->by_key, l->services[i]->key, &at, NULL) == 0)
			*at = i;
	return 0;
}

static int find_or_add(struct toll_loaded *l, struct toll_slice key, struct toll_service **ret)
{
	uint32_t *at = l->count ? toll_table_find(&l->by_key, key) : NULL;

	if (at) {
		*ret = l->services[*at];
		return 0;
	}
	if (l->count == l->room && grow(l) < 0)
		return TOLL_ENOMEM;
	*ret = toll_service_bare(key, l->rules.window_count);
	if (!*ret)
		return TOLL_ENOMEM;
	if (toll_table_insert(&l->by_key, (*ret)->key, &at, NULL) < 0) {
		*ret = toll_service_free(*ret, l->rules.window_count);
		return TOLL_ENOMEM;
	}
	*at = l->count;
	l->services[l->count++] = *ret;
	return 0;
}

static int load_subject(struct toll_loaded *l, struct toll_reader *in)
{
	struct toll_slice key;
	struct toll_service *s;
	int err;

	if (!l->rules.memory || !toll_read_bytes(in, &key) || key.len == 0 ||
	    key.len > TOLL_SUBJECT_MAX)
		return TOLL_EINVALID;
	err = find_or_add(l, key, &s);
	return err ? err : toll_subject_load(s, &l->rules, l->store, in);
}

/* ---- frames ---- */

static int load_entry(struct toll_loaded *l, uint64_t kind, struct toll_reader *in)
{
	switch (kind) {
	case TOLL_SAVED_BASICS:
		return load_basics(l, in);
	case TOLL_SAVED_RULES:
		return load_rules(l, in);
	case TOLL_SAVED_BUDGETS:
		return load_budgets(l, in);
	case TOLL_SAVED_FOLDED:
		return load_folded(l, in);
	case TOLL_SAVED_SUBJECT:
		return load_subject(l, in);
	case TOLL_SAVED_WORD:
		return load_word(l, in);
	default:
		return TOLL_EINVALID;
	}
}

int toll_loaded_add(struct toll_loaded *l, const struct toll_frame *f)
{
	struct toll_reader in = toll_reader_of(f->payload);
	struct toll_slice bytes;
	uint64_t kind;
	int err = 0;

	while (in.at < in.end && !err) {
		struct toll_reader entry;

		if (!toll_read_varint(&in, &kind) || !toll_read_bytes(&in, &bytes))
			return TOLL_EINVALID;
		entry = toll_reader_of(bytes);
		err = load_entry(l, kind, &entry);
		if (!err)
			err = or_invalid(entry.at == entry.end);
	}
	return err ? err : or_invalid(l->rules.memory && l->instance[0]);
}

void toll_loaded_release(struct toll_loaded *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		toll_service_free(l->services[i], l->rules.window_count);
	free(l->services);
	toll_table_release(&l->by_key);
	toll_rules_release(&l->rules);
	toll_runtime_texts_release(&l->said);
	toll_memory_words_release(&l->words);
	*l = (struct toll_loaded){ 0 };
}
