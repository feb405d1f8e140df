/* SPDX-License-Identifier: Apache-2.0 */
/* pass_over.c - money that others publish: it leaves our totals again, as if it had not come. */
#include "exporters/enforcer/totals/totals.h"

/* A total goes on from what the store has of it. What was on its way when the connection broke, and
 * is there all the same, then hides as much of what comes next in its bucket. */
static toll_i128 take_back(struct toll_service *s, struct toll_series *series)
{
	toll_i128 taken = 0;

	for (uint32_t i = 0; i < series->count; i++) {
		struct toll_bucket *b = &series->at[i];

		if (b->nano <= b->sent)
			continue;
		taken += b->nano - b->sent;
		b->nano = b->saved = b->sent;
		s->unsaved = true;
		if (b->index < series->unsaved)
			series->unsaved = b->index;
	}
	return taken;
}

void toll_totals_pass_over(struct toll_totals *t, uint64_t now_ms)
{
	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *s = t->services[i];

		for (uint32_t j = 0; j < t->rules->window_count; j++) {
			const struct toll_window *w = &t->rules->windows[j];
			toll_i128 taken = take_back(s, &s->accounts[j].series);

			if (j == 0)
				t->passed_nano += taken;
			s->accounts[j].dirty = s->accounts[j].doubted;
			toll_totals_prune(t, &s->accounts[j], w, toll_window_index(w, now_ms));
		}
		t->unsaved |= s->unsaved;
	}
	toll_totals_sweep(t);
	toll_totals_unlock(t);
}
