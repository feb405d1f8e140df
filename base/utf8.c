/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

size_t toll_utf8_length(const uint8_t *p, size_t left)
{
	static const uint8_t min2[] = { [0xe0 & 0x1f] = 0xa0, [0xf0 & 0x1f] = 0x90 };
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint8_t low = 0x80, high = 0xbf;

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	if (p[0] == 0xe0 || p[0] == 0xf0)
		low = min2[p[0] & 0x1f];
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}
