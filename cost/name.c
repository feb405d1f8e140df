/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/name.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

#define TAIL 17 /* '~' and 16 digits */

static bool must_encode(unsigned char c)
{
	return c <= ' ' || c == 0x7f || c == '{' || c == '}' || c == ':' || c == '%';
}

/* How many bytes at `at` stand as they are: a character; 0: this byte is encoded. Keys are text, so
 * what is no UTF-8 is encoded too. */
static size_t plain(struct toll_slice name, size_t at)
{
	unsigned char c = (unsigned char)name.ptr[at];

	if (c < 0x80)
		return !must_encode(c);
	return toll_utf8_length((const uint8_t *)name.ptr + at, name.len - at);
}

static void put(const char *raw, size_t bytes, char *out)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char c = (unsigned char)*raw;

	if (bytes) {
		memcpy(out, raw, bytes);
		return;
	}
	out[0] = '%';
	out[1] = hex[c >> 4];
	out[2] = hex[c & 15];
}

size_t toll_name_encode_short(struct toll_slice name, size_t max, char *out)
{
	size_t len = 0, cut = 0, i, n;
	char tail[TAIL + 1];

	for (i = 0; i < name.len; i += n ? n : 1) {
		size_t need;

		n = plain(name, i);
		need = n ? n : 3;
		if (len + need > max)
			break;
		put(name.ptr + i, n, out + len);
		len += need;
		if (len <= max - TAIL)
			cut = len;
	}
	if (i >= name.len)
		return len;
	snprintf(tail, sizeof(tail), "~%016" PRIx64, toll_hash(name));
	memcpy(out + cut, tail, TAIL);
	return cut + TAIL;
}

size_t toll_name_encode(struct toll_slice name, char out[TOLL_NAME_MAX])
{
	return toll_name_encode_short(name, TOLL_NAME_MAX, out);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t toll_name_decode(struct toll_slice in, char out[TOLL_NAME_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < in.len && len < TOLL_NAME_MAX; i++) {
		int high = in.ptr[i] == '%' && i + 2 < in.len ? digit(in.ptr[i + 1]) : -1;
		int low = high >= 0 ? digit(in.ptr[i + 2]) : -1;

		out[len++] = low >= 0 ? (char)(unsigned char)(high * 16 + low) : in.ptr[i];
		i += low >= 0 ? 2 : 0;
	}
	return len;
}

bool toll_name_match(struct toll_slice glob, struct toll_slice name)
{
	size_t g = 0, n = 0, star = SIZE_MAX, retry = 0;

	while (n < name.len) {
		if (g < glob.len && glob.ptr[g] == '*') {
			star = g++;
			retry = n;
		} else if (g < glob.len && (glob.ptr[g] == '?' || glob.ptr[g] == name.ptr[n])) {
			g++;
			n++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			n = ++retry;
		} else {
			return false;
		}
	}
	while (g < glob.len && glob.ptr[g] == '*')
		g++;
	return g == glob.len;
}

bool toll_name_is_unverified(struct toll_slice name)
{
	size_t len = sizeof(TOLL_NAME_UNVERIFIED) - 1;

	return name.len >= len && memcmp(name.ptr, TOLL_NAME_UNVERIFIED, len) == 0;
}
