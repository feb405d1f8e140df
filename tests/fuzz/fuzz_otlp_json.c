/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_otlp_json - any bytes as OTLP/JSON fit into the room promised; what the scanner takes of the
 * result is written as OTLP/JSON that reads back to as many spans. */
#include "proto/otlp_json.h"
#include "proto/otlp_json_decode.h"
#include "tests/support/otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL: refused. */
static struct toll_batch *read_json(const void *data, size_t size)
{
	size_t room = TOLL_OTLP_JSON_ROOM(size), len = 0;
	char *text = malloc(size + 1), *out = malloc(room);
	struct toll_batch *b = NULL;
	struct toll_error e = { 0 };
	int err;

	if (!text || !out)
		abort();
	memcpy(text, data, size);
	err = toll_otlp_json_decode(text, size, out, room, &len, &e);
	if (err && (err != TOLL_EINVALID || !e.text[0]))
		abort();
	if (!err) {
		b = batch_of(toll_slice(out, len), &err, NULL);
		if (err)
			b = toll_batch_unref(b);
	}
	free(out);
	free(text);
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_batch *b = read_json(data, size), *again;
	struct toll_buffer json = { 0 };

	if (!b)
		return 0;
	toll_otlp_json(&(struct toll_selection){ b, 0, b->span_count }, &json);
	again = read_json(json.ptr, json.len);
	if (!again || again->kept_count != b->kept_count)
		abort();
	toll_batch_unref(again);
	toll_buffer_release(&json);
	toll_batch_unref(b);
	return 0;
}
