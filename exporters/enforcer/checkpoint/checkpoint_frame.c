/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/checkpoint/checkpoint_frame.h"

#include "base/crc32c.h"

#define MAGIC   UINT32_C(0x316b6374) /* "tck1" */
#define VERSION 1

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie");

struct head {
	uint32_t magic;
	uint16_t version, kind;
	uint64_t generation, number, payload_bytes;
	uint32_t payload_crc, head_crc;
};

_Static_assert(sizeof(struct head) == TOLL_FRAME_HEAD, "the head has no holes");

static uint32_t crc_of(const struct head *h)
{
	return toll_crc32c(0, h, offsetof(struct head, head_crc));
}

void toll_frame_head(const struct toll_frame *f, unsigned char out[TOLL_FRAME_HEAD])
{
	struct head h = { .magic = MAGIC,
		          .version = VERSION,
		          .kind = (uint16_t)f->kind,
		          .generation = f->generation,
		          .number = f->number,
		          .payload_bytes = f->payload.len,
		          .payload_crc = toll_crc32c(0, f->payload.ptr, f->payload.len) };

	h.head_crc = crc_of(&h);
	memcpy(out, &h, sizeof(h));
}

uint64_t toll_frame_bytes(uint64_t payload)
{
	return (payload + TOLL_FRAME_HEAD + TOLL_FRAME_BLOCK - 1) / TOLL_FRAME_BLOCK *
	       TOLL_FRAME_BLOCK;
}

/* Of this or a newer version. */
static int read_head(struct toll_slice file, uint64_t at, struct head *h)
{
	if (at > file.len || file.len - at < sizeof(*h))
		return TOLL_EINVALID;
	memcpy(h, file.ptr + at, sizeof(*h));
	if (h->magic != MAGIC || h->head_crc != crc_of(h))
		return TOLL_EINVALID;
	return h->version == VERSION ? 0 : TOLL_EUNSUPPORTED;
}

int toll_frame_read(struct toll_slice file, uint64_t at, struct toll_frame *ret)
{
	struct head h;
	int err = read_head(file, at, &h);

	if (err)
		return err;
	if (h.payload_bytes > file.len - at - sizeof(h) || h.kind < TOLL_FRAME_SNAPSHOT ||
	    h.kind > TOLL_FRAME_SUPERSEDED)
		return TOLL_EINVALID;
	*ret = (struct toll_frame){ .kind = (enum toll_frame_kind)h.kind,
		                    .generation = h.generation,
		                    .number = h.number,
		                    .payload = toll_slice(file.ptr + at + sizeof(h),
		                                          (size_t)h.payload_bytes) };
	return toll_crc32c(0, ret->payload.ptr, ret->payload.len) == h.payload_crc ? 0
	                                                                           : TOLL_EINVALID;
}

static bool continues(const struct toll_frames *frames, const struct toll_frame *f)
{
	if (f->number != frames->count)
		return false;
	if (frames->count == 0)
		return f->kind == TOLL_FRAME_SNAPSHOT;
	return f->kind != TOLL_FRAME_SNAPSHOT && f->generation == frames->generation;
}

/* Behind a hole? Only a whole head tells: its payload may be what is damaged. */
static bool has_later(struct toll_slice file, const struct toll_frames *frames)
{
	struct head h;

	for (uint64_t at = frames->end; at < file.len; at += TOLL_FRAME_BLOCK)
		if (read_head(file, at, &h) == 0 && h.generation == frames->generation &&
		    h.number > frames->count)
			return true;
	return false;
}

int toll_frames_find(struct toll_slice file, struct toll_frames *ret)
{
	struct toll_frame f;
	int err;

	*ret = (struct toll_frames){ 0 };
	while ((err = toll_frame_read(file, ret->end, &f)) == 0 && !ret->superseded &&
	       continues(ret, &f)) {
		ret->generation = f.generation;
		ret->superseded = f.kind == TOLL_FRAME_SUPERSEDED;
		ret->count++;
		ret->end += toll_frame_bytes(f.payload.len);
	}
	if (err == TOLL_EUNSUPPORTED)
		return err;
	ret->torn = ret->count > 0 && !ret->superseded && has_later(file, ret);
	return 0;
}
