/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/rules_saved.h"

#include <stdlib.h>

#include "budget/rules_inside.h"

/* ---- out ---- */

static void save_dimension(const struct toll_budget_dimension *d, struct toll_wire_out *out)
{
	toll_out_bytes(out, d->name);
	toll_out_varint(out, (uint64_t)d->source);
	toll_out_varint(out, d->key_count);
	for (uint32_t i = 0; i < d->key_count; i++)
		toll_out_bytes(out, d->keys[i].name);
}

static void save_window(const struct toll_window *w, struct toll_wire_out *out)
{
	toll_out_bytes(out, toll_slice_str(w->name));
	toll_out_varint(out, w->window_ms);
	toll_out_varint(out, w->bucket_ms);
	toll_out_varint(out, w->buckets);
}

static void save_rule(const struct toll_rules *r, const struct toll_rule *rule,
                      struct toll_wire_out *out)
{
	toll_out_bytes(out, toll_slice_str(rule->id));
	toll_out_bytes(out, toll_slice_str(rule->before));
	toll_out_bytes(out, rule->name);
	toll_out_varint(out, rule->window);
	toll_out_varint(out, (uint64_t)rule->mode);
	toll_out_varint(out, rule->kind);
	for (uint32_t i = 0; i < r->subjects.kinds[rule->kind].count; i++)
		toll_out_bytes(out, rule->globs[i]);
}

void toll_rules_save(const struct toll_rules *r, struct toll_wire_out *out)
{
	toll_out_varint(out, r->life);
	toll_out_varint(out, r->evaluation_ms);
	toll_out_varint(out, r->ttl_ms);
	toll_out_varint(out, r->settle_ms);
	toll_out_varint(out, r->subjects.dimension_count);
	for (uint32_t i = 0; i < r->subjects.dimension_count; i++)
		save_dimension(&r->subjects.dimensions[i], out);
	toll_out_varint(out, r->subjects.kind_count);
	for (uint32_t i = 0; i < r->subjects.kind_count; i++) {
		toll_out_bytes(out, r->subjects.kinds[i].label);
		toll_out_varint(out, r->subjects.kinds[i].count);
	}
	toll_out_varint(out, r->window_count);
	for (uint32_t i = 0; i < r->window_count; i++)
		save_window(&r->windows[i], out);
	toll_out_varint(out, r->count);
	for (uint32_t i = 0; i < r->count; i++)
		save_rule(r, &r->at[i], out);
}

/* ---- and back ---- */

static bool read_text(struct toll_rules *r, struct toll_reader *in, struct toll_slice *ret)
{
	struct toll_slice text;

	if (!toll_read_bytes(in, &text))
		return false;
	*ret = toll_arena_dup(&r->memory->arena, text);
	return text.len == 0 || ret->ptr != NULL;
}

/* One that fits, as a text of its own. */
static bool read_into(struct toll_reader *in, char *buf, size_t size)
{
	struct toll_slice text;

	if (!toll_read_bytes(in, &text) || text.len >= size)
		return false;
	memcpy(buf, text.ptr, text.len);
	buf[text.len] = '\0';
	return true;
}

static bool read_dimension(struct toll_rules *r, struct toll_reader *in,
                           struct toll_budget_dimension *d)
{
	uint32_t source;

	if (!read_text(r, in, &d->name) || !toll_in_u32(in, TOLL_FROM_ATTRIBUTES, &source) ||
	    !toll_in_u32(in, TOLL_DIMENSION_KEYS_MAX, &d->key_count))
		return false;
	d->source = (enum toll_dimension_source)source;
	for (uint32_t i = 0; i < d->key_count; i++)
		if (!read_text(r, in, &d->keys[i].name))
			return false;
	return true;
}

static bool read_subjects(struct toll_rules *r, struct toll_reader *in)
{
	struct toll_subjects *s = &r->subjects;

	if (!toll_in_u32(in, TOLL_DIMENSIONS_MAX, &s->dimension_count))
		return false;
	for (uint32_t i = 0; i < s->dimension_count; i++)
		if (!read_dimension(r, in, &s->dimensions[i]))
			return false;
	if (!toll_in_u32(in, TOLL_KINDS_MAX, &s->kind_count))
		return false;
	for (uint32_t i = 0; i < s->kind_count; i++)
		if (!read_text(r, in, &s->kinds[i].label) ||
		    !toll_in_u32(in, TOLL_SUBJECT_DIMENSIONS, &s->kinds[i].count))
			return false;
	return true;
}

static bool read_windows(struct toll_rules *r, struct toll_reader *in)
{
	if (!toll_in_u32(in, TOLL_WINDOWS_MAX, &r->window_count) || r->window_count == 0)
		return false;
	for (uint32_t i = 0; i < r->window_count; i++) {
		struct toll_window *w = &r->windows[i];

		if (!read_into(in, w->name, sizeof(w->name)) ||
		    !toll_read_varint(in, &w->window_ms) || !toll_read_varint(in, &w->bucket_ms) ||
		    !toll_in_u32(in, TOLL_WINDOW_BUCKETS_MAX, &w->buckets))
			return false;
	}
	return true;
}

static bool read_rule(struct toll_rules *r, struct toll_reader *in, struct toll_rule *rule)
{
	uint32_t mode;

	if (!read_into(in, rule->id, sizeof(rule->id)) ||
	    !read_into(in, rule->before, sizeof(rule->before)) || !read_text(r, in, &rule->name) ||
	    !toll_in_u32(in, r->window_count - 1, &rule->window) ||
	    !toll_in_u32(in, TOLL_MODE_OFF, &mode) || r->subjects.kind_count == 0 ||
	    !toll_in_u32(in, r->subjects.kind_count - 1, &rule->kind))
		return false;
	rule->mode = (enum toll_budget_mode)mode;
	for (uint32_t i = 0; i < r->subjects.kinds[rule->kind].count; i++)
		if (!read_text(r, in, &rule->globs[i]))
			return false;
	return true;
}

static bool read_rules(struct toll_rules *r, struct toll_reader *in)
{
	if (!toll_in_u32(in, UINT32_MAX, &r->life) || !toll_read_varint(in, &r->evaluation_ms) ||
	    !toll_read_varint(in, &r->ttl_ms) || !toll_read_varint(in, &r->settle_ms) ||
	    !read_subjects(r, in) || !read_windows(r, in) ||
	    !toll_in_u32(in, TOLL_RULES_MAX, &r->count))
		return false;
	for (uint32_t i = 0; i < r->count; i++)
		if (!read_rule(r, in, &r->at[i]))
			return false;
	return in->at == in->end;
}

int toll_rules_restore(struct toll_slice bytes, struct toll_rules *ret)
{
	struct toll_reader in = toll_reader_of(bytes);

	*ret = (struct toll_rules){ .memory = toll_rules_memory_new() };
	if (!ret->memory)
		return TOLL_ENOMEM;
	if (read_rules(ret, &in))
		return 0;
	toll_rules_release(ret);
	return TOLL_EINVALID;
}
