/* SPDX-License-Identifier: Apache-2.0 */
/* unjson - the other end of test_otlp_json_oracle.py: OTLP/JSON to protobuf, frame by frame.
 *
 * in:  u32 length, text
 * out: i32 error, u32 length, the request in protobuf or the sentence of the error */
#include <stdint.h>

#include "proto/otlp_json_decode.h"

static void put(const void *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, stdout) != len)
		exit(1);
}

static void answer(int err, const void *bytes, size_t len)
{
	uint32_t size = (uint32_t)len;

	put(&err, 4);
	put(&size, 4);
	put(bytes, len);
	fflush(stdout);
}

static void serve(char *text, size_t len)
{
	size_t room = TOLL_OTLP_JSON_ROOM(len), got = 0;
	char *out = malloc(room);
	struct toll_error e = { 0 };
	int err;

	if (!out)
		exit(1);
	err = toll_otlp_json_decode(text, len, out, room, &got, &e);
	if (err)
		answer(err, e.text, strlen(e.text));
	else
		answer(0, out, got);
	free(out);
}

int main(void)
{
	uint32_t len;

	while (fread(&len, 4, 1, stdin) == 1) {
		char *text = malloc((size_t)len + 1);

		if (!text || fread(text, 1, len, stdin) != len)
			return 1;
		serve(text, len);
		free(text);
	}
	return 0;
}
