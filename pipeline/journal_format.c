/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/journal_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/hash.h"

#define RECORD_MAGIC     UINT32_C(0x314a5254)         /* "TRJ1" */
#define SEGMENT_MAGIC    UINT64_C(0x314c4e524a4c4f54) /* "TOLJRNL1" */
#define CHECKPOINT_MAGIC UINT64_C(0x3154504b434c4f54) /* "TOLCKPT1" */
#define CURSOR_BYTES     160
#define CURSORS_AT       88

static void put_wide(unsigned char *to, toll_i128 v)
{
	toll_put_le(to, (uint64_t)(toll_u128)v, 8);
	toll_put_le(to + 8, (uint64_t)((toll_u128)v >> 64), 8);
}

static toll_i128 get_wide(const unsigned char *from)
{
	return (toll_i128)((toll_u128)toll_get_le(from + 8, 8) << 64 | toll_get_le(from, 8));
}

uint64_t toll_journal_stamp(const struct toll_journal_identity *id, uint64_t first_seq)
{
	unsigned char bytes[24];

	memcpy(bytes, id->epoch, sizeof(id->epoch));
	toll_put_le(bytes + 16, first_seq, 8);
	return toll_hash_seeded(toll_slice(bytes, sizeof(bytes)), id->seed);
}

void toll_journal_head_write(const struct toll_journal_head *h, unsigned char to[TOLL_JOURNAL_HEAD])
{
	toll_put_le(to, RECORD_MAGIC, 4);
	toll_put_le(to + 8, h->payload_len, 4);
	toll_put_le(to + 12, h->payload_crc, 4);
	toll_put_le(to + 16, h->begin.seq, 8);
	toll_put_le(to + 24, h->stamp, 8);
	toll_put_le(to + 32, h->type, 4);
	toll_put_le(to + 36, h->in_group, 4);
	toll_put_le(to + 40, h->items, 8);
	put_wide(to + 48, h->pico);
	toll_put_le(to + 64, h->begin.items, 8);
	put_wide(to + 72, h->begin.pico);
	toll_put_le(to + 4, toll_crc32c(0, to + 8, TOLL_JOURNAL_HEAD - 8), 4);
}

bool toll_journal_head_read(const unsigned char from[TOLL_JOURNAL_HEAD], uint64_t stamp,
                            struct toll_journal_head *ret)
{
	if (toll_get_le(from, 4) != RECORD_MAGIC || toll_get_le(from + 24, 8) != stamp ||
	    toll_get_le(from + 4, 4) != toll_crc32c(0, from + 8, TOLL_JOURNAL_HEAD - 8))
		return false;
	*ret = (struct toll_journal_head){
		.stamp = stamp,
		.begin = { toll_get_le(from + 16, 8), toll_get_le(from + 64, 8),
		           get_wide(from + 72) },
		.pico = get_wide(from + 48),
		.payload_len = (uint32_t)toll_get_le(from + 8, 4),
		.payload_crc = (uint32_t)toll_get_le(from + 12, 4),
		.in_group = (uint32_t)toll_get_le(from + 36, 4),
		.items = (uint32_t)toll_get_le(from + 40, 4),
		.type = (uint16_t)toll_get_le(from + 32, 2),
	};
	return ret->in_group <= ret->begin.seq;
}

struct toll_journal_mark toll_journal_head_end(const struct toll_journal_head *h)
{
	return (struct toll_journal_mark){ h->begin.seq + 1, h->begin.items + h->items,
		                           (toll_i128)((toll_u128)h->begin.pico +
		                                       (toll_u128)h->pico) };
}

uint64_t toll_journal_record_bytes(uint64_t payload_len)
{
	return toll_journal_round_up(TOLL_JOURNAL_HEAD + payload_len, TOLL_JOURNAL_ALIGN);
}

static void put_identity(unsigned char *to, const struct toll_journal_identity *id)
{
	memcpy(to, id->epoch, sizeof(id->epoch));
	toll_put_le(to + 16, id->seed, 8);
}

static void get_identity(const unsigned char *from, struct toll_journal_identity *ret)
{
	memcpy(ret->epoch, from, sizeof(ret->epoch));
	ret->seed = toll_get_le(from + 16, 8);
}

static void put_mark(unsigned char *to, const struct toll_journal_mark *m)
{
	toll_put_le(to, m->seq, 8);
	toll_put_le(to + 8, m->items, 8);
	put_wide(to + 16, m->pico);
}

static struct toll_journal_mark get_mark(const unsigned char *from)
{
	return (struct toll_journal_mark){ toll_get_le(from, 8), toll_get_le(from + 8, 8),
		                           get_wide(from + 16) };
}

/* Magic, checksum and version, which segment heads and slots have at the same places. */
static void close_head(unsigned char *to, uint64_t magic, size_t len)
{
	toll_put_le(to, magic, 8);
	toll_put_le(to + 12, TOLL_JOURNAL_VERSION, 4);
	toll_put_le(to + 8, toll_crc32c(0, to + 12, len - 12), 4);
}

static int check_head(const unsigned char *from, uint64_t magic, size_t len)
{
	if (toll_get_le(from, 8) != magic ||
	    toll_get_le(from + 8, 4) != toll_crc32c(0, from + 12, len - 12))
		return TOLL_EINVALID;
	return toll_get_le(from + 12, 4) == TOLL_JOURNAL_VERSION ? 0 : TOLL_EUNSUPPORTED;
}

void toll_journal_segment_head_write(const struct toll_journal_segment_head *h,
                                     unsigned char to[TOLL_JOURNAL_SEGMENT_HEAD])
{
	put_identity(to + 16, &h->id);
	put_mark(to + 40, &h->begin);
	toll_put_le(to + 72, h->segment_bytes, 8);
	toll_put_le(to + 80, h->made_wall_ms, 8);
	close_head(to, SEGMENT_MAGIC, TOLL_JOURNAL_SEGMENT_HEAD);
}

int toll_journal_segment_head_read(const unsigned char from[TOLL_JOURNAL_SEGMENT_HEAD],
                                   struct toll_journal_segment_head *ret)
{
	int err = check_head(from, SEGMENT_MAGIC, TOLL_JOURNAL_SEGMENT_HEAD);

	if (err < 0)
		return err;
	get_identity(from + 16, &ret->id);
	ret->begin = get_mark(from + 40);
	ret->segment_bytes = toll_get_le(from + 72, 8);
	ret->made_wall_ms = toll_get_le(from + 80, 8);
	return 0;
}

void toll_journal_segment_name(uint64_t first_seq, char name[TOLL_JOURNAL_SEGMENT_NAME])
{
	snprintf(name, TOLL_JOURNAL_SEGMENT_NAME, "%020" PRIu64 ".journal", first_seq);
}

bool toll_journal_segment_parse(const char *name, uint64_t *ret_first_seq)
{
	char again[TOLL_JOURNAL_SEGMENT_NAME];
	uint64_t seq = strtoull(name, NULL, 10);

	toll_journal_segment_name(seq, again);
	if (strcmp(name, again) != 0)
		return false;
	*ret_first_seq = seq;
	return true;
}

void toll_journal_slot_write(const struct toll_journal_checkpoint *c,
                             unsigned char to[TOLL_JOURNAL_SLOT])
{
	memset(to, 0, TOLL_JOURNAL_SLOT);
	put_identity(to + 16, &c->id);
	toll_put_le(to + 40, c->generation, 8);
	put_mark(to + 48, &c->end);
	toll_put_le(to + 80, c->count, 4);
	for (uint32_t i = 0; i < c->count; i++) {
		unsigned char *at = to + CURSORS_AT + i * (size_t)CURSOR_BYTES;

		memcpy(at, c->cursors[i].name, strlen(c->cursors[i].name));
		put_mark(at + 128, &c->cursors[i].mark);
	}
	close_head(to, CHECKPOINT_MAGIC, TOLL_JOURNAL_SLOT);
}

int toll_journal_slot_read(const unsigned char from[TOLL_JOURNAL_SLOT],
                           struct toll_journal_checkpoint *ret)
{
	int err = check_head(from, CHECKPOINT_MAGIC, TOLL_JOURNAL_SLOT);

	if (err < 0)
		return err;
	get_identity(from + 16, &ret->id);
	ret->generation = toll_get_le(from + 40, 8);
	ret->end = get_mark(from + 48);
	ret->count = (uint32_t)toll_get_le(from + 80, 4);
	if (ret->count > TOLL_JOURNAL_CURSORS_MAX)
		return TOLL_EINVALID;
	for (uint32_t i = 0; i < ret->count; i++) {
		const unsigned char *at = from + CURSORS_AT + i * (size_t)CURSOR_BYTES;

		memcpy(ret->cursors[i].name, at, TOLL_JOURNAL_NAME_MAX);
		ret->cursors[i].name[TOLL_JOURNAL_NAME_MAX] = '\0';
		ret->cursors[i].mark = get_mark(at + 128);
	}
	return 0;
}
