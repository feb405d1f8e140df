/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/checkpoint/checkpoint_save.h"

#include "budget/rules_saved.h"

/* An entry's length comes before its bytes: it is gathered in a buffer of its own. */
struct saver {
	struct toll_kept *kept;
	struct toll_wire_out *out;
	struct toll_wire_out entry;
	bool whole;
};

static void end_entry(struct saver *s, enum toll_saved_entry kind)
{
	s->out->failed |= s->entry.failed;
	toll_out_varint(s->out, (uint64_t)kind);
	toll_out_bytes(s->out, toll_slice(s->entry.at, s->entry.len));
	toll_wire_out_reset(&s->entry);
}

static void save_basics(struct saver *s)
{
	const struct toll_kept *k = s->kept;
	struct toll_wire_out *e = &s->entry;

	toll_out_bytes(e, toll_slice_str(k->instance));
	toll_out_varint(e, (uint64_t)k->store);
	toll_out_varint(e, k->seq);
	toll_out_wide(e, k->totals.lost_nano);
	toll_out_varint(e, k->totals.overflow_spans);
	toll_out_varint(e, k->totals.refused_spans);
	toll_out_varint(e, k->words.killed);
	toll_out_bytes(e, toll_slice_str(k->words.killer));
	toll_out_varint(e, k->words.change_id);
	end_entry(s, TOLL_SAVED_BASICS);
}

static void save_rules(struct saver *s)
{
	toll_rules_save(&s->kept->rules, &s->entry);
	end_entry(s, TOLL_SAVED_RULES);
}

static void save_budgets(struct saver *s)
{
	const struct toll_runtime_texts *said = &s->kept->said;

	toll_out_varint(&s->entry, said->count);
	for (uint32_t i = 0; i < said->count; i++) {
		toll_out_bytes(&s->entry, said->at[i].name);
		toll_out_bytes(&s->entry, said->at[i].text);
	}
	end_entry(s, TOLL_SAVED_BUDGETS);
}

static void save_folded(struct saver *s)
{
	const struct toll_folded *f = &s->kept->totals.folded;

	for (uint32_t i = 0; i < f->count; i++) {
		toll_out_bytes(&s->entry, toll_slice_str(f->at[i].epoch));
		toll_out_varint(&s->entry, f->at[i].seq);
		toll_out_varint(&s->entry, f->at[i].span);
		end_entry(s, TOLL_SAVED_FOLDED);
	}
}

/* ---- subjects ---- */

static char *write_wide(char *at, toll_i128 v)
{
	return toll_write_varint(toll_write_varint(at, (uint64_t)(v >> 64)), (uint64_t)v);
}

/* Nearly all that a checkpoint has. */
static char *write_bucket(char *at, struct toll_bucket *b)
{
	at = toll_write_varint(at, toll_zigzag(b->index));
	at = write_wide(at, b->nano);
	at = write_wide(at, b->sent);
	b->saved = b->nano;
	return at;
}

#define BUCKET_BYTES ((size_t)5 * TOLL_OUT_VARINT)

static void save_buckets(struct saver *s, struct toll_series *series)
{
	struct toll_wire_out *e = &s->entry;
	uint32_t first = s->whole ? 0 : series->count;
	char *at;

	while (first > 0 && series->at[first - 1].index >= series->unsaved)
		first--;
	toll_out_signed(e, series->count ? series->at[0].index : INT64_MAX);
	toll_out_varint(e, series->count - first);
	at = toll_out_reserve(e, (series->count - first) * BUCKET_BYTES);
	for (uint32_t i = first; i < series->count && at; i++)
		at = write_bucket(at, &series->at[i]);
	if (at)
		toll_out_end(e, at);
	series->unsaved = INT64_MAX;
}

static void save_account(struct saver *s, uint32_t window, struct toll_account *a)
{
	struct toll_wire_out *e = &s->entry;

	toll_out_varint(e, window);
	toll_out_varint(e, a->life);
	toll_out_varint(e, a->series.carry_pico);
	toll_out_wide(e, a->series.lost);
	toll_out_varint(e, a->chain);
	toll_out_bytes(e, toll_slice_str(a->generation));
	save_buckets(s, &a->series);
}

static void save_slots(struct saver *s, const struct toll_slots *slots)
{
	uint32_t count = slots ? slots->count : 0;
	char text[TOLL_SLOT_TEXT];

	toll_out_varint(&s->entry, count);
	for (uint32_t i = 0; i < count; i++) {
		toll_out_bytes(&s->entry, toll_slice_str(slots->at[i].id));
		toll_out_bytes(&s->entry,
		               toll_slice(text, (size_t)toll_slot_print(&slots->at[i], text)));
	}
}

/* What Redis has of the others. */
static void save_decisions(struct saver *s, const struct toll_service *v)
{
	struct toll_wire_out *e = &s->entry;

	toll_out_varint(e, v->throttled);
	toll_out_varint(e, v->shadow);
	toll_out_varint(e, v->capped);
	toll_out_varint(e, (uint64_t)v->override);
	toll_out_varint(e, v->override_until_ms);
	toll_out_varint(e, v->until_ms);
	save_slots(s, v->slots);
}

static void save_subject(struct saver *s, struct toll_service *v)
{
	uint32_t windows = s->kept->rules.window_count;
	struct toll_wire_out *e = &s->entry;

	toll_out_bytes(e, v->key);
	toll_out_varint(e, v->overflow);
	toll_out_varint(e, (uint64_t)v->criticality);
	toll_out_wide(e, v->total_pico);
	toll_out_varint(e, v->spans);
	toll_out_varint(e, v->unpriced);
	for (uint32_t i = 0; i < windows; i++)
		if (v->accounts[i].used)
			save_account(s, i, &v->accounts[i]);
	toll_out_varint(e, windows);
	if (s->kept->store == TOLL_STORE_MEMORY)
		save_decisions(s, v);
	v->unsaved = false;
	end_entry(s, TOLL_SAVED_SUBJECT);
}

/* ---- all ---- */

static void save_words(struct saver *s)
{
	struct toll_memory_words *w = &s->kept->words;
	uint32_t first = s->whole || w->unsaved > w->count ? 0 : w->count - w->unsaved;

	for (uint32_t i = first; i < w->count; i++) {
		toll_out_bytes(&s->entry, toll_slice_str(toll_memory_words_at(w, i)));
		end_entry(s, TOLL_SAVED_WORD);
	}
	w->unsaved = 0;
}

void toll_checkpoint_save(struct toll_kept *k, bool whole, struct toll_wire_out *out)
{
	struct saver s = { .kept = k, .out = out, .whole = whole };
	struct toll_totals *t = &k->totals;

	toll_wire_out_reset(out);
	save_basics(&s);
	if (whole) {
		save_rules(&s);
		save_budgets(&s);
	}
	save_folded(&s);
	for (uint32_t i = 0; i < t->count; i++)
		if (whole || t->services[i]->unsaved)
			save_subject(&s, t->services[i]);
	save_words(&s);
	out->failed |= s.entry.failed;
	toll_wire_out_release(&s.entry);
	t->unsaved = t->reshaped = false;
}
