/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/budget_json.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

const char *toll_budget_text(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) && v ? json_object_get_string(v) : "";
}

bool toll_budget_flag(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) && json_object_get_boolean(v);
}

double toll_budget_number(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) ? json_object_get_double(v) : 0;
}

uint64_t toll_budget_count(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) ? json_object_get_uint64(v) : 0;
}

/* json-c keeps a number's own text. Beyond 9.2 million USD only its nearest double is known. */
bool toll_budget_money(struct json_object *o, const char *name, toll_i128 *ret_pico)
{
	const char *text = toll_budget_text(o, name);
	int64_t pico;
	double usd;

	if (!*text)
		return false;
	if (toll_money_parse(toll_slice_str(text), &pico) == 0) {
		*ret_pico = pico;
		return true;
	}
	usd = toll_budget_number(o, name);
	if (!isfinite(usd) || fabs(usd) > 1e18)
		return false;
	*ret_pico = (toll_i128)(usd * 100) * (TOLL_PICO_PER_USD / 100);
	return true;
}

void toll_budget_usd(struct json_object *o, const char *name, char buf[TOLL_MONEY_TEXT])
{
	toll_i128 pico;

	buf[0] = '\0';
	if (toll_budget_money(o, name, &pico))
		toll_money_print_usd(pico, buf);
}

void toll_budget_duration(double seconds, char *buf, size_t size)
{
	uint64_t s = seconds > 0 && seconds < 1e15 ? (uint64_t)seconds : 0;
	uint64_t min = s / 60, h = min / 60, d = h / 24;

	if (d >= 10)
		snprintf(buf, size, "%llu d", (unsigned long long)d);
	else if (d)
		snprintf(buf, size, "%llu d %llu h", (unsigned long long)d,
		         (unsigned long long)(h % 24));
	else if (h && min % 60 == 0)
		snprintf(buf, size, "%llu h", (unsigned long long)h);
	else if (h)
		snprintf(buf, size, "%llu h %llu min", (unsigned long long)h,
		         (unsigned long long)(min % 60));
	else if (min)
		snprintf(buf, size, "%llu min", (unsigned long long)min);
	else
		snprintf(buf, size, "%llu s", (unsigned long long)s);
}

void toll_budget_print_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
	                                               JSON_C_TO_STRING_NOSLASHESCAPE));
}
