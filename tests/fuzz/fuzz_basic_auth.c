/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_basic_auth.c - any header is a user and a password that lie inside what was decoded, or
 * none. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "extensions/basicauth/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct toll_credentials c;
	char *copy = malloc(size ? size : 1); /* not one byte more: reading on is seen */

	assert(copy);
	memcpy(copy, data, size);
	if (toll_credentials_read(toll_slice(copy, size), &c)) {
		assert(c.all.ptr == c.text && c.all.len <= sizeof(c.text));
		assert(c.user.len + 1 + c.password.len == c.all.len);
		assert(!memchr(c.user.ptr, ':', c.user.len));
	}
	free(copy);
	return 0;
}
