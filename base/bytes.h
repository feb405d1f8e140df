/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - numbers in files, little endian, at any address. */
#ifndef TOLL_BASE_BYTES_H
#define TOLL_BASE_BYTES_H

#include <stdint.h>

/* The lowest `bytes` bytes, at most 8. */
static inline void toll_put_le(unsigned char *to, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (unsigned char)(v >> 8 * i);
}

static inline uint64_t toll_get_le(const unsigned char *from, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)from[i] << 8 * i;
	return v;
}

#endif
