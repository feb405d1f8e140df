/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/per.h"

#include <inttypes.h>
#include <stdio.h>

#define KIB UINT64_C(1024)
#define K   UINT64_C(1000)
#define S   UINT64_C(1000000000)

/* Of one unit the larger first: printing takes the first that leaves no rest. */
static const struct {
	const char *name;
	enum toll_per_unit unit;
	uint64_t base;
} units[] = {
	{ "T", TOLL_PER_COUNT, K *K *K *K },
	{ "G", TOLL_PER_COUNT, K *K *K },
	{ "M", TOLL_PER_COUNT, K *K },
	{ "k", TOLL_PER_COUNT, K },
	{ "K", TOLL_PER_COUNT, K },
	{ "", TOLL_PER_COUNT, 1 },
	{ "d", TOLL_PER_TIME, 86400 * S },
	{ "h", TOLL_PER_TIME, 3600 * S },
	{ "min", TOLL_PER_TIME, 60 * S },
	{ "s", TOLL_PER_TIME, S },
	{ "ms", TOLL_PER_TIME, K *K },
	{ "us", TOLL_PER_TIME, K },
	{ "ns", TOLL_PER_TIME, 1 },
	{ "TiB", TOLL_PER_BYTES, KIB *KIB *KIB *KIB },
	{ "TB", TOLL_PER_BYTES, K *K *K *K },
	{ "GiB", TOLL_PER_BYTES, KIB *KIB *KIB },
	{ "GB", TOLL_PER_BYTES, K *K *K },
	{ "MiB", TOLL_PER_BYTES, KIB *KIB },
	{ "MB", TOLL_PER_BYTES, K *K },
	{ "KiB", TOLL_PER_BYTES, KIB },
	{ "KB", TOLL_PER_BYTES, K },
	{ "kB", TOLL_PER_BYTES, K },
	{ "B", TOLL_PER_BYTES, 1 },
	{ "GiBs", TOLL_PER_BYTE_TIME, KIB *KIB *KIB *S },
	{ "GBs", TOLL_PER_BYTE_TIME, K *K *K *S },
	{ "MiBs", TOLL_PER_BYTE_TIME, KIB *KIB *S },
	{ "MBs", TOLL_PER_BYTE_TIME, K *K *S },
	{ "KiBs", TOLL_PER_BYTE_TIME, KIB *S },
	{ "KBs", TOLL_PER_BYTE_TIME, K *S },
};

static const char *const examples[] = {
	[TOLL_PER_COUNT] = "a count such as 1, 1k or 1M",
	[TOLL_PER_TIME] = "a time such as 1ms, 1s or 1h",
	[TOLL_PER_BYTES] = "a size such as 1KiB or 1GB",
	[TOLL_PER_BYTE_TIME] = "a size x time such as 1GiBs or 1GBs",
	[TOLL_PER_STEPS] = "steps such as 1 steps or 1M steps",
};

const char *toll_per_example(enum toll_per_unit unit)
{
	return examples[unit];
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Behind the digits, and their value; 0 digits or too many: text.len + 1. */
static size_t read_digits(struct toll_slice text, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < text.len && is_digit(text.ptr[i]); i++)
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
			return text.len + 1;
	*ret = value;
	return i ? i : text.len + 1;
}

/* "M steps": cuts off the word. */
static bool cut_steps(struct toll_slice *unit)
{
	const struct toll_slice words[] = { TOLL_SLICE(" steps"), TOLL_SLICE(" step") };

	for (size_t i = 0; i < TOLL_COUNT(words); i++) {
		size_t len = words[i].len;

		if (unit->len >= len &&
		    memcmp(unit->ptr + unit->len - len, words[i].ptr, len) == 0) {
			unit->len -= len;
			return true;
		}
	}
	return false;
}

const char *toll_per_read(struct toll_slice text, struct toll_per *ret)
{
	uint64_t number = 0;
	size_t digits = read_digits(text, &number);
	struct toll_slice unit;
	bool steps;

	if (digits > text.len || !number)
		return "must begin with a whole number above 0, as in 1M, 1s or 1GiB";
	unit = toll_slice(text.ptr + digits, text.len - digits);
	steps = cut_steps(&unit);
	for (size_t i = 0; i < TOLL_COUNT(units); i++) {
		struct toll_per per = { .unit = steps ? TOLL_PER_STEPS : units[i].unit };

		if (!toll_slice_is(unit, units[i].name))
			continue;
		if (steps && units[i].unit != TOLL_PER_COUNT)
			break;
		if (__builtin_mul_overflow(number, units[i].base, &per.base))
			return "is too large";
		*ret = per;
		return NULL;
	}
	return "has an unknown unit: k M G T, ns us ms s min h d, B KB MB GB KiB MiB GiB, GBs "
	       "GiBs, or \" steps\"";
}

const char *toll_per_print(struct toll_per per, char buf[TOLL_PER_TEXT])
{
	bool steps = per.unit == TOLL_PER_STEPS;
	enum toll_per_unit unit = steps ? TOLL_PER_COUNT : per.unit;
	const char *name = unit == TOLL_PER_BYTE_TIME ? " B*ns" : "";
	uint64_t number = per.base;

	for (size_t i = 0; i < TOLL_COUNT(units); i++) {
		if (units[i].unit != unit || per.base % units[i].base)
			continue;
		number = per.base / units[i].base;
		name = units[i].name;
		break;
	}
	snprintf(buf, TOLL_PER_TEXT, "%" PRIu64 "%s%s", number, name, steps ? " steps" : "");
	return buf;
}
