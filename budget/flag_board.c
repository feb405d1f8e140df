/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/flag_board.h"

#include <stdlib.h>
#include <string.h>

struct toll_flag_entry {
	struct toll_flag flag;
	uint32_t round; /* in which it was put last */
	char key[];
};

int toll_flag_board_init(struct toll_flag_board *b)
{
	*b = (struct toll_flag_board){ 0 };
	toll_flag_source_init(&b->source);
	b->room = 16;
	b->at = calloc(b->room, sizeof(struct toll_flag_entry *));
	if (!b->at)
		return TOLL_ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	return 0;
}

void toll_flag_board_release(struct toll_flag_board *b)
{
	if (!b->at)
		return;
	for (uint32_t i = 0; i < b->count; i++)
		free(b->at[i]);
	free(b->at);
	b->at = NULL;
	toll_flag_source_release(&b->source);
	pthread_mutex_destroy(&b->lock);
}

/* ---- one subject, with the lock held ---- */

static int compare(struct toll_slice a, struct toll_slice b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where it is, or would be. */
static uint32_t place_of(const struct toll_flag_board *b, struct toll_slice key)
{
	uint32_t low = 0, high = b->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(b->at[middle]->flag.subject, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct toll_flag_entry *entry_at(const struct toll_flag_board *b, uint32_t place,
                                        struct toll_slice key)
{
	if (place < b->count && toll_slice_eq(b->at[place]->flag.subject, key))
		return b->at[place];
	return NULL;
}

static void remove_at(struct toll_flag_board *b, uint32_t place)
{
	free(b->at[place]);
	b->count--;
	memmove(b->at + place, b->at + place + 1,
	        (b->count - place) * sizeof(struct toll_flag_entry *));
	b->changed = true;
}

static bool make_room(struct toll_flag_board *b)
{
	struct toll_flag_entry **more;

	if (b->count < b->room)
		return true;
	if (b->count == TOLL_FLAG_BOARD_MAX)
		return false;
	more = realloc(b->at, (size_t)2 * b->room * sizeof(struct toll_flag_entry *));
	if (!more)
		return false;
	b->at = more;
	b->room *= 2;
	return true;
}

/* NULL: no room, or no memory. */
static struct toll_flag_entry *insert_at(struct toll_flag_board *b, uint32_t place,
                                         struct toll_slice key)
{
	struct toll_flag_entry *e = make_room(b) ? calloc(1, sizeof(*e) + key.len) : NULL;

	if (!e)
		return NULL;
	memcpy(e->key, key.ptr, key.len);
	e->flag.subject = toll_slice(e->key, key.len);
	memmove(b->at + place + 1, b->at + place,
	        (b->count - place) * sizeof(struct toll_flag_entry *));
	b->at[place] = e;
	b->count++;
	return e;
}

static bool says_something(const struct toll_flag *f)
{
	return f->throttled || f->override_allow || f->criticality != TOLL_CRITICALITY_UNKNOWN;
}

static bool flags_equal(const struct toll_flag *a, const struct toll_flag *b)
{
	return a->throttled == b->throttled && a->override_allow == b->override_allow &&
	       a->allowed == b->allowed && a->until_ms == b->until_ms &&
	       a->retry_after_s == b->retry_after_s && a->reason == b->reason &&
	       a->criticality == b->criticality && a->spent_nano == b->spent_nano &&
	       a->limit_pico == b->limit_pico && strcmp(a->window, b->window) == 0;
}

static void put(struct toll_flag_board *b, const struct toll_flag *flag)
{
	uint32_t place = place_of(b, flag->subject);
	struct toll_flag_entry *e = entry_at(b, place, flag->subject);
	struct toll_slice key;

	if (!says_something(flag)) {
		if (e)
			remove_at(b, place);
		return;
	}
	if (!e)
		e = insert_at(b, place, flag->subject);
	if (!e) {
		b->refused++;
		return;
	}
	e->round = b->round;
	if (flags_equal(&e->flag, flag))
		return;
	key = e->flag.subject;
	e->flag = *flag;
	e->flag.subject = key;
	b->changed = true;
}

/* ---- all of them ---- */

void toll_flag_board_put(struct toll_flag_board *b, const struct toll_flag *flag)
{
	if (flag->subject.len == 0 || flag->subject.len > TOLL_SUBJECT_MAX)
		return;
	pthread_mutex_lock(&b->lock);
	put(b, flag);
	pthread_mutex_unlock(&b->lock);
}

void toll_flag_board_clear(struct toll_flag_board *b, struct toll_slice subject)
{
	struct toll_flag nothing = { .subject = subject };
	struct toll_flag_entry *e;

	pthread_mutex_lock(&b->lock);
	e = entry_at(b, place_of(b, subject), subject);
	if (e) {
		nothing.criticality = e->flag.criticality;
		put(b, &nothing);
	}
	pthread_mutex_unlock(&b->lock);
}

void toll_flag_board_begin(struct toll_flag_board *b)
{
	pthread_mutex_lock(&b->lock);
	b->round++;
	pthread_mutex_unlock(&b->lock);
}

void toll_flag_board_end(struct toll_flag_board *b)
{
	uint32_t kept = 0;

	pthread_mutex_lock(&b->lock);
	for (uint32_t i = 0; i < b->count; i++)
		if (b->at[i]->round == b->round)
			b->at[kept++] = b->at[i];
		else
			free(b->at[i]);
	b->changed |= kept < b->count;
	b->count = kept;
	pthread_mutex_unlock(&b->lock);
}

/* Without memory readers go on with what they have; the next call tries again. */
void toll_flag_board_publish(struct toll_flag_board *b)
{
	struct toll_flag *flags;

	pthread_mutex_lock(&b->lock);
	flags = b->changed ? calloc(b->count + 1, sizeof(*flags)) : NULL;
	for (uint32_t i = 0; flags && i < b->count; i++)
		flags[i] = b->at[i]->flag;
	if (flags && toll_flags_publish(&b->source, flags, b->count) == 0)
		b->changed = false;
	free(flags);
	pthread_mutex_unlock(&b->lock);
}
