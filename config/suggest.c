/* SPDX-License-Identifier: Apache-2.0 */
#include "config/suggest.h"

#include <ctype.h>

#include "base/macro.h"

/* Longer words are not compared: nobody mistypes those by a letter, and the rows stay on the stack.
 */
#define WORD_MAX 64

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to insert, delete, replace or swap with their neighbour. Both at most WORD_MAX long. */
static unsigned distance(struct toll_slice a, struct toll_slice b)
{
	unsigned rows[3][WORD_MAX + 1] = { 0 };
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *oldest = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = same_letter(a.ptr[i - 1], b.ptr[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && same_letter(a.ptr[i - 1], b.ptr[j - 2]) &&
			    same_letter(a.ptr[i - 2], b.ptr[j - 1]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[b.len];
}

void toll_suggest_init(struct toll_suggest *s, struct toll_slice typed)
{
	/* One slip for every three letters; a third of the word is a different word. */
	*s = (struct toll_suggest){ .typed = typed,
		                    .distance = typed.len < 3 ? 2 : (unsigned)typed.len / 3 + 1 };
}

void toll_suggest_offer(struct toll_suggest *s, const char *candidate)
{
	struct toll_slice word = toll_slice_str(candidate);
	unsigned d;

	if (s->typed.len == 0 || s->typed.len > WORD_MAX || word.len > WORD_MAX)
		return;
	d = distance(s->typed, word);
	if (d < s->distance && d < word.len) {
		s->distance = d;
		s->best = candidate;
	}
}
