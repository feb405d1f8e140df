/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/nesting.h"

#include "proto/otlp_decode.h"
#include "proto/wire.h"

/* Which fields of a message hold messages that have to be looked into. Tag 0: none. */
static const struct {
	uint32_t tag;
	uint8_t child;
} nests[][2] = {
	[TOLL_MESSAGE_ANY_VALUE] = { { TOLL_TAG(5, TOLL_WIRE_BYTES), TOLL_MESSAGE_ARRAY },
	                             { TOLL_TAG(6, TOLL_WIRE_BYTES), TOLL_MESSAGE_KVLIST } },
	[TOLL_MESSAGE_ARRAY] = { { TOLL_TAG(1, TOLL_WIRE_BYTES), TOLL_MESSAGE_ANY_VALUE } },
	[TOLL_MESSAGE_KVLIST] = { { TOLL_TAG(1, TOLL_WIRE_BYTES), TOLL_MESSAGE_KEY_VALUE } },
	[TOLL_MESSAGE_KEY_VALUE] = { { TOLL_TAG(2, TOLL_WIRE_BYTES), TOLL_MESSAGE_ANY_VALUE } },
	[TOLL_MESSAGE_EVENT] = { { TOLL_TAG(3, TOLL_WIRE_BYTES), TOLL_MESSAGE_KEY_VALUE } },
	[TOLL_MESSAGE_LINK] = { { TOLL_TAG(4, TOLL_WIRE_BYTES), TOLL_MESSAGE_KEY_VALUE } },
};

struct open_message {
	const char *end;
	enum toll_message kind;
};

static bool child_of(enum toll_message kind, uint32_t tag, enum toll_message *ret)
{
	for (size_t i = 0; i < TOLL_COUNT(nests[kind]); i++)
		if (nests[kind][i].tag && nests[kind][i].tag == tag) {
			*ret = (enum toll_message)nests[kind][i].child;
			return true;
		}
	return false;
}

int toll_check_nesting(enum toll_message kind, struct toll_slice message)
{
	struct open_message open[TOLL_MAX_DEPTH] TOLL_UNINITIALIZED;
	struct toll_reader r = toll_reader_of(message);
	unsigned depth = 1;

	open[0] = (struct open_message){ r.end, kind };
	while (depth) {
		struct open_message *top = &open[depth - 1];
		enum toll_message child;
		struct toll_slice body;
		uint32_t tag;

		if (r.at == top->end) {
			depth--;
			continue;
		}
		r.end = top->end;
		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if (!child_of(top->kind, tag, &child)) {
			if (!toll_read_skip(&r, tag))
				return TOLL_EINVALID;
			continue;
		}
		if (!toll_read_bytes(&r, &body))
			return TOLL_EINVALID;
		if (depth == TOLL_MAX_DEPTH)
			return TOLL_ETOOBIG;
		r.at = body.ptr;
		open[depth++] = (struct open_message){ body.ptr + body.len, child };
	}
	return 0;
}
