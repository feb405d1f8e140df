/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

static bool is_one_of(char c, const char *any_of)
{
	return c != '\0' && strchr(any_of, c);
}

struct toll_slice toll_slice_trim(struct toll_slice s, const char *any_of)
{
	while (s.len && is_one_of(*s.ptr, any_of))
		s = toll_slice(s.ptr + 1, s.len - 1);
	while (s.len && is_one_of(s.ptr[s.len - 1], any_of))
		s.len--;
	return s;
}

bool toll_slice_digits(struct toll_slice s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0, places = max; /* loses a digit with each that is read */

	for (size_t i = 0; i < s.len; i++, places /= 10) {
		unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

		if (digit > 9 || (i && !places) || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return false;
	}
	if (!s.len || n > max)
		return false;
	*ret = n;
	return true;
}
