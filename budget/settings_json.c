/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/settings_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cost/money.h"
#include "proto/json_write.h"

static char *put_text(char *out, const char *text)
{
	return toll_json_raw(out, toll_slice_str(text));
}

/* ,"name":"value" */
static char *put_string(char *out, const char *name, struct toll_slice value)
{
	out = put_text(out, ",\"");
	out = put_text(out, name);
	out = put_text(out, "\":");
	return toll_json_string(out, value);
}

/* "24h", "90s", "1500ms": in the largest unit that is exact. */
static char *put_duration(char *out, const char *name, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = { { 3600 * TOLL_S, "h" }, { 60 * TOLL_S, "m" }, { TOLL_S, "s" } };
	char text[40];
	size_t i = 0;

	while (i < TOLL_COUNT(units) && ns % units[i].ns)
		i++;
	if (i < TOLL_COUNT(units))
		snprintf(text, sizeof(text), "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
	else
		snprintf(text, sizeof(text), "%" PRIu64 "ms", ns / TOLL_MS);
	return put_string(out, name, toll_slice_str(text));
}

static char *put_match(char *out, const struct toll_pair_list *match)
{
	out = put_text(out, "{\"match\":{");
	if (match->count == 0)
		out = put_text(out, "\"service\":\"*\"");
	for (size_t i = 0; i < match->count; i++) {
		if (i)
			*out++ = ',';
		out = toll_json_string(out, match->at[i].key);
		*out++ = ':';
		out = toll_json_string(out, match->at[i].value);
	}
	return put_text(out, "}");
}

static char *put_window(char *out, const struct toll_budget_config *b)
{
	static const char *const periods[] = { "", "day", "week", "month" };

	if (b->period == TOLL_PERIOD_ROLLING)
		return put_duration(out, "window", b->window ? b->window : 86400 * TOLL_S);
	out = put_string(out, "period", toll_slice_str(periods[b->period]));
	return b->timezone.len ? put_string(out, "timezone", b->timezone) : out;
}

/* What is not given is the enforcer's. */
static char *put_ema(char *out, const struct toll_ema_config *ema)
{
	char alpha[32] = "", windows[40] = "", release[32] = "", *begin;

	if (ema->alpha > 0)
		snprintf(alpha, sizeof(alpha), ",\"alpha\":%.6g", ema->alpha);
	if (ema->windows > 0)
		snprintf(windows, sizeof(windows), ",\"windows\":%" PRId64, ema->windows);
	if (ema->release > 0)
		snprintf(release, sizeof(release), ",\"release\":%.6g", ema->release);
	if (!alpha[0] && !windows[0] && !release[0])
		return out;
	out = put_text(out, ",\"ema\":");
	begin = out;
	out = put_text(put_text(put_text(out, alpha), windows), release);
	*begin = '{'; /* in the place of the first comma */
	*out++ = '}';
	return out;
}

static char *put_fast_trip(char *out, const struct toll_fast_trip_config *fast)
{
	char text[96];

	if (!(fast->factor > 0))
		return out;
	snprintf(text, sizeof(text), ",\"fast_trip\":{\"factor\":%.6g,\"over\":\"%" PRIu64 "s\"}",
	         fast->factor, (fast->over ? fast->over : 300 * TOLL_S) / TOLL_S);
	return put_text(out, text);
}

static size_t bound(const struct toll_budget_config *b)
{
	size_t bytes = 768 + toll_json_string_bound(b->timezone.len);

	for (size_t i = 0; i < b->match.count; i++)
		bytes += toll_json_string_bound(b->match.at[i].key.len) +
		         toll_json_string_bound(b->match.at[i].value.len) + 2;
	return bytes;
}

size_t toll_budget_config_print(const struct toll_budget_config *b, char *buf, size_t size)
{
	static const char *const modes[] = { "enforce", "shadow", "off" };
	char limit[TOLL_MONEY_TEXT], *out;

	if (bound(b) > size)
		return 0;
	out = put_match(buf, &b->match);
	toll_money_print(b->limit, limit);
	out = put_text(out, ",\"limit\":");
	out = put_text(out, limit);
	out = put_window(out, b);
	out = put_string(out, "mode", toll_slice_str(modes[b->mode]));
	if (b->evaluation_window)
		out = put_duration(out, "evaluation_window", b->evaluation_window);
	out = put_ema(out, &b->ema);
	out = put_fast_trip(out, &b->fast_trip);
	*out++ = '}';
	*out = '\0';
	return (size_t)(out - buf);
}
