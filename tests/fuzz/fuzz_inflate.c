/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_inflate.c - compressed bodies: nothing is written outside the room, and more room than was
 * enough changes nothing. The first byte chooses the coding. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "net/inflate.h"

enum { ROOM = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct toll_inflater z;
	enum toll_encoding encoding;
	struct toll_slice body;
	size_t n = 0, again = 0, hint;
	char *out, *exact;
	int err;

	if (!size)
		return 0;
	encoding = (enum toll_encoding)(TOLL_ENCODING_GZIP + data[0] % 4);
	body = toll_slice(data + 1, size - 1);
	hint = toll_inflate_hint(encoding, body, ROOM);
	assert(hint >= 1 && hint <= ROOM);
	out = malloc(ROOM);
	assert(out);
	err = toll_inflate(&z, encoding, body, out, ROOM, &n);
	assert(err == 0 || err == TOLL_EFULL || err == TOLL_EINVALID);
	if (!err) {
		exact = malloc(n + 1);
		assert(exact);
		err = toll_inflate(&z, encoding, body, exact, n, &again);
		assert(!err && again == n && memcmp(out, exact, n) == 0);
		if (n) {
			err = toll_inflate(&z, encoding, body, exact, n - 1, &again);
			assert(err);
		}
		free(exact);
	}
	free(out);
	return 0;
}
