/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/record_format.h"

#include <string.h>

/* Hosts are little-endian: asserted in proto/wire.c. */
struct raw_head {
	uint16_t version, zero;
	uint32_t table_bytes, spans, texts;
	uint64_t received_wall_ms, digest[2];
};

_Static_assert(sizeof(struct raw_head) == TOLL_RECORD_HEAD, "as record_format.h says");

void toll_record_head_write(const struct toll_record_head *h, char to[TOLL_RECORD_HEAD])
{
	const struct raw_head raw = { TOLL_RECORD_VERSION,
		                      0,
		                      h->table_bytes,
		                      h->spans,
		                      h->texts,
		                      h->received_wall_ms,
		                      { h->digest[0], h->digest[1] } };

	memcpy(to, &raw, sizeof(raw));
}

int toll_record_head_read(struct toll_slice payload, struct toll_record_head *ret)
{
	struct raw_head raw;

	if (payload.len < sizeof(raw))
		return TOLL_EINVALID;
	memcpy(&raw, payload.ptr, sizeof(raw));
	if (raw.version == 0 || (raw.version == TOLL_RECORD_VERSION && raw.zero))
		return TOLL_EINVALID;
	if (raw.version != TOLL_RECORD_VERSION)
		return TOLL_EUNSUPPORTED;
	if (raw.table_bytes > payload.len - sizeof(raw))
		return TOLL_EINVALID;
	*ret = (struct toll_record_head){ raw.table_bytes,
		                          raw.spans,
		                          raw.texts,
		                          raw.received_wall_ms,
		                          { raw.digest[0], raw.digest[1] } };
	return 0;
}
