/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/budget.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_RAN_AHEAD 60          /* windows */
#define STREAK_MAX      1000000000u /* keeps the text short; nothing depends on more */

static void evaluate(const struct toll_budget_rule *rule, struct toll_budget_state *s)
{
	if (s->ema > rule->limit_usd) {
		s->over += s->over < STREAK_MAX;
		s->under = 0;
	} else if (s->ema < rule->limit_usd * rule->release) {
		s->under += s->under < STREAK_MAX;
		s->over = 0;
	} else {
		s->over = s->under = 0;
	}
	if (s->over >= rule->windows)
		s->on = true;
	else if (s->under >= rule->windows)
		s->on = false;
}

bool toll_budget_step(const struct toll_budget_rule *rule, struct toll_budget_state *s,
                      int64_t window, double current_usd)
{
	int64_t last = s->window;

	if (last > window + CLOCK_RAN_AHEAD)
		last = window - 1;
	if (last != TOLL_BUDGET_NEVER && window <= last)
		return false;
	if (last == TOLL_BUDGET_NEVER) {
		s->ema = current_usd;
	} else {
		int64_t gap = window - last;

		/* gap 1 is alpha x current + (1 - alpha) x ema, written so that ema == current is
		 * a fixed point. */
		s->ema = current_usd + (s->ema - current_usd) * pow(1 - rule->alpha, (double)gap);
		if (gap > (int64_t)rule->windows)
			s->over = s->under = 0;
	}
	s->window = window;
	evaluate(rule, s);
	return true;
}

int toll_budget_print(const struct toll_budget_state *s, char buf[TOLL_BUDGET_TEXT])
{
	return snprintf(buf, TOLL_BUDGET_TEXT, "%" PRId64 " %.17g %" PRIu32 " %" PRIu32 " %d",
	                s->window, s->ema, s->over, s->under, s->on);
}

/* A decimal number without sign, then a space or the end. */
static bool read_count(char **at, uint64_t max, uint64_t *ret)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*ret = strtoull(*at, &end, 10);
	if (errno || *ret > max || (*end != ' ' && *end != '\0'))
		return false;
	*at = *end ? end + 1 : end;
	return true;
}

/* Finite and not negative; hexadecimal and "nan" never come from us. */
static bool read_ema(char **at, double *ret)
{
	char *end;

	if (**at < '0' || **at > '9' || (*at)[1] == 'x' || (*at)[1] == 'X')
		return false;
	*ret = strtod(*at, &end);
	if (!isfinite(*ret) || *end != ' ')
		return false;
	*at = end + 1;
	return true;
}

int toll_budget_parse(struct toll_slice text, struct toll_budget_state *ret)
{
	char copy[TOLL_BUDGET_TEXT], *at = copy;
	uint64_t window, over, under, on;
	double ema;

	if (text.len == 0 || text.len >= sizeof(copy) || text.ptr[text.len - 1] == ' ' ||
	    memchr(text.ptr, '\0', text.len))
		return TOLL_EINVALID;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (!read_count(&at, INT64_MAX / 2, &window) || !read_ema(&at, &ema) ||
	    !read_count(&at, STREAK_MAX, &over) || !read_count(&at, STREAK_MAX, &under) ||
	    !read_count(&at, 1, &on) || *at)
		return TOLL_EINVALID;
	*ret = (struct toll_budget_state){ (int64_t)window, ema, (uint32_t)over, (uint32_t)under,
		                           on == 1 };
	return 0;
}
