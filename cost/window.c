/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS     UINT64_C(1000000)
#define MS_PER_S      UINT64_C(1000)
#define BUCKETS_USUAL 96
#define BUCKETS_SLACK 4 /* ahead of the current one: another clock's, and one being rolled */
#define FIRST_ROOM    4

/* ---- windows ---- */

static uint64_t usual_bucket(uint64_t window_ms)
{
	for (uint64_t n = BUCKETS_USUAL; n > 1; n--)
		if (window_ms % n == 0 && window_ms / n >= MS_PER_S)
			return window_ms / n;
	return window_ms;
}

static void print_name(uint64_t seconds, char buf[TOLL_WINDOW_NAME])
{
	if (seconds % 3600 == 0)
		snprintf(buf, TOLL_WINDOW_NAME, "%" PRIu64 "h", seconds / 3600);
	else if (seconds % 60 == 0)
		snprintf(buf, TOLL_WINDOW_NAME, "%" PRIu64 "m", seconds / 60);
	else
		snprintf(buf, TOLL_WINDOW_NAME, "%" PRIu64 "s", seconds);
}

int toll_window_init(struct toll_window *w, uint64_t window_ns, uint64_t bucket_ns)
{
	uint64_t window_ms = window_ns / NS_PER_MS, bucket_ms = bucket_ns / NS_PER_MS;

	if (window_ns == 0 || window_ns % (NS_PER_MS * MS_PER_S))
		return TOLL_EINVALID;
	if (bucket_ns == 0)
		bucket_ms = usual_bucket(window_ms);
	if (bucket_ns % NS_PER_MS || bucket_ms < MS_PER_S || bucket_ms > window_ms ||
	    (window_ms + bucket_ms - 1) / bucket_ms > TOLL_WINDOW_BUCKETS_MAX)
		return TOLL_EINVALID;
	w->window_ms = window_ms;
	w->bucket_ms = bucket_ms;
	w->buckets = (uint32_t)((window_ms + bucket_ms - 1) / bucket_ms);
	w->periods = NULL;
	print_name(window_ms / MS_PER_S, w->name);
	return 0;
}

/* ---- calendars ---- */

/* Of the period that begins at starts[i]; there is a next one. */
static uint64_t length_of(const struct toll_periods *p, uint32_t i)
{
	return p->starts[i + 1] - p->starts[i];
}

int64_t toll_periods_index(const struct toll_periods *p, uint64_t ms)
{
	uint32_t low = 0, high = p->count - 1;

	if (ms < p->starts[0])
		return p->first - 1 - (int64_t)((p->starts[0] - 1 - ms) / length_of(p, 0));
	if (ms >= p->starts[high])
		return p->first + high + (int64_t)((ms - p->starts[high]) / length_of(p, high - 1));
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (ms < p->starts[middle])
			high = middle;
		else
			low = middle;
	}
	return p->first + low;
}

uint64_t toll_periods_start_ms(const struct toll_periods *p, int64_t index)
{
	int64_t at = index - p->first;
	uint32_t last = p->count - 1;

	if (at < 0)
		return p->starts[0] - (uint64_t)-at * length_of(p, 0);
	if (at > (int64_t)last)
		return p->starts[last] + (uint64_t)(at - last) * length_of(p, last - 1);
	return p->starts[at];
}

uint64_t toll_window_length_ms(const struct toll_window *w, uint64_t ms)
{
	int64_t index;

	if (!w->periods)
		return w->window_ms;
	index = toll_periods_index(w->periods, ms);
	return toll_periods_start_ms(w->periods, index + 1) -
	       toll_periods_start_ms(w->periods, index);
}

/* ---- totals ---- */

int toll_series_init(struct toll_series *s)
{
	*s = (struct toll_series){ .room = FIRST_ROOM, .unsaved = INT64_MAX };
	s->at = calloc(FIRST_ROOM, sizeof(*s->at));
	return s->at ? 0 : TOLL_ENOMEM;
}

void toll_series_release(struct toll_series *s)
{
	free(s->at);
	*s = (struct toll_series){ 0 };
}

static bool make_room(struct toll_series *s, uint32_t limit)
{
	uint32_t room = s->room ? s->room * 2 : FIRST_ROOM;
	struct toll_bucket *bigger;

	if (s->count < s->room)
		return true;
	room = room < limit ? room : limit;
	bigger = realloc(s->at, room * sizeof(*bigger));
	if (!bigger)
		return false;
	s->at = bigger;
	s->room = room;
	return true;
}

static void drop_oldest(struct toll_series *s, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		s->lost += s->at[i].nano - s->at[i].sent;
	memmove(s->at, s->at + count, (s->count - count) * sizeof(*s->at));
	s->count -= count;
}

/* A new bucket behind the first `before` ones. Full: the oldest makes way. */
static struct toll_bucket *insert(struct toll_series *s, uint32_t before, int64_t index,
                                  uint32_t limit)
{
	if (s->count >= limit) {
		if (before == 0)
			return NULL;
		drop_oldest(s, 1);
		before--;
	} else if (!make_room(s, limit)) {
		return &s->at[before ? before - 1 : 0];
	}
	memmove(s->at + before + 1, s->at + before, (s->count - before) * sizeof(*s->at));
	s->at[before] = (struct toll_bucket){ .index = index };
	s->count++;
	return &s->at[before];
}

/* Nearly always the last one. */
static struct toll_bucket *bucket_of(struct toll_series *s, const struct toll_window *w,
                                     int64_t index)
{
	uint32_t before = s->count;

	while (before > 0 && s->at[before - 1].index > index)
		before--;
	if (before > 0 && s->at[before - 1].index == index)
		return &s->at[before - 1];
	return insert(s, before, index, w->buckets + BUCKETS_SLACK);
}

int toll_series_add(struct toll_series *s, const struct toll_window *w, int64_t index,
                    toll_i128 pico)
{
	struct toll_bucket *b = bucket_of(s, w, index);
	toll_i128 whole;

	if (!b || pico / 1000 > TOLL_SERIES_NANO_MAX - b->nano - 1)
		return TOLL_ETOOBIG;
	pico += s->carry_pico;
	whole = pico / 1000;
	b->nano += whole;
	s->carry_pico = (uint32_t)(pico - whole * 1000);
	if (b->index < s->unsaved)
		s->unsaved = b->index;
	return 0;
}

void toll_series_prune(struct toll_series *s, const struct toll_window *w, int64_t current)
{
	uint32_t dead = 0;

	while (dead < s->count && s->at[dead].index <= current - (int64_t)w->buckets)
		dead++;
	if (dead)
		drop_oldest(s, dead);
}

toll_i128 toll_series_sum(const struct toll_series *s, const struct toll_window *w, int64_t current)
{
	toll_i128 sum = 0;
	int64_t last = w->periods ? current : current + 1;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->at[i].index > current - (int64_t)w->buckets && s->at[i].index <= last)
			sum += s->at[i].nano;
	return sum;
}

/* ---- text ---- */

int toll_nano_parse(struct toll_slice text, toll_i128 *ret)
{
	toll_i128 nano = 0;
	int places = -1;

	if (text.len == 0 || text.ptr[0] == '.' || text.ptr[text.len - 1] == '.')
		return TOLL_EINVALID;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '.' && places < 0) {
			places = 0;
			continue;
		}
		if (c < '0' || c > '9' || places == 9)
			return TOLL_EINVALID;
		nano = nano * 10 + (c - '0');
		places += places >= 0;
		if (nano > TOLL_SERIES_NANO_MAX)
			return TOLL_ETOOBIG;
	}
	for (int i = places < 0 ? 0 : places; i < 9; i++)
		nano *= 10;
	*ret = nano;
	return 0;
}

int toll_nano_print(toll_i128 nano, char buf[TOLL_NANO_TEXT])
{
	const toll_i128 billion = 1000000000;
	uint64_t low = (uint64_t)(nano % billion);
	toll_i128 rest = nano / billion;
	uint64_t middle = (uint64_t)(rest % billion), high = (uint64_t)(rest / billion);

	if (high)
		return snprintf(buf, TOLL_NANO_TEXT, "%" PRIu64 "%09" PRIu64 "%09" PRIu64, high,
		                middle, low);
	if (middle)
		return snprintf(buf, TOLL_NANO_TEXT, "%" PRIu64 "%09" PRIu64, middle, low);
	return snprintf(buf, TOLL_NANO_TEXT, "%" PRIu64, low);
}

double toll_nano_to_usd(toll_i128 nano)
{
	return (double)nano / 1e9;
}
