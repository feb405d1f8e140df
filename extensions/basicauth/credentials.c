/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/basicauth/credentials.h"

#include <string.h>
#include <strings.h>

static const char scheme[] = "Basic ";

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int toll_base64_decode(struct toll_slice text, char *out, int room)
{
	unsigned bits = 0, have = 0;
	int len = 0;

	if (text.len % 4)
		return -1;
	for (int padding = 0; padding < 2 && text.len && text.ptr[text.len - 1] == '='; padding++)
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		int d = digit(text.ptr[i]);

		if (d < 0)
			return -1;
		bits = bits << 6 | (unsigned)d;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (len == room)
			return -1;
		out[len++] = (char)(bits >> have);
		bits &= (1u << have) - 1;
	}
	return bits ? -1 : len;
}

bool toll_credentials_read(struct toll_slice header, struct toll_credentials *ret)
{
	size_t skip = sizeof(scheme) - 1;
	const char *colon;
	int len;

	if (header.len <= skip || strncasecmp(header.ptr, scheme, skip) != 0)
		return false;
	len = toll_base64_decode(toll_slice(header.ptr + skip, header.len - skip), ret->text,
	                         sizeof(ret->text));
	colon = len > 0 ? memchr(ret->text, ':', (size_t)len) : NULL;
	if (!colon || memchr(ret->text, '\0', (size_t)len))
		return false;
	ret->all = toll_slice(ret->text, (size_t)len);
	ret->user = toll_slice(ret->text, (size_t)(colon - ret->text));
	ret->password = toll_slice(colon + 1, (size_t)(ret->text + len - colon - 1));
	return true;
}
