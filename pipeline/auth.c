/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/auth.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"

#define HASH_TEXT 18 /* '~', 16 hex digits, NUL */

void toll_identity_print(struct toll_slice name, char out[TOLL_IDENTITY_MAX])
{
	static const char hex[] = "0123456789ABCDEF";
	size_t len = 0;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		bool plain = c > ' ' && c < 0x7f && c != '%';

		if (len + 3 + HASH_TEXT > TOLL_IDENTITY_MAX) {
			snprintf(out + len, HASH_TEXT, "~%016" PRIx64, toll_hash(name));
			return;
		}
		out[len++] = plain ? (char)c : '%';
		if (!plain) {
			out[len++] = hex[c >> 4];
			out[len++] = hex[c & 15];
		}
	}
	out[len] = '\0';
}
