/* SPDX-License-Identifier: Apache-2.0 */
/* journal_format.h - what a journal's bytes mean: records, segment heads, checkpoint slots. Pure.
 *
 * Integers are little-endian. A segment is a head in its first block, then groups; a group is what
 * was synced together: records one after the other, each padded to 8 bytes, the whole padded to a
 * block, so that no block is written again once it is durable. */
#ifndef TOLL_PIPELINE_JOURNAL_FORMAT_H
#define TOLL_PIPELINE_JOURNAL_FORMAT_H

#include "pipeline/journal.h"

#define TOLL_JOURNAL_BLOCK   4096
#define TOLL_JOURNAL_ALIGN   8
#define TOLL_JOURNAL_VERSION 1

static inline uint64_t toll_journal_round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Which journal. The seed never leaves its directory: without it nobody can make a payload that
 * looks like a record. */
struct toll_journal_identity {
	uint8_t epoch[16];
	uint64_t seed;
};

/* What every record of a segment carries: those of other journals, and those left in a file that is
 * used again, do not match. */
uint64_t toll_journal_stamp(const struct toll_journal_identity *id, uint64_t first_seq);

/* Record head:
 *   0 magic u32         4 crc u32 (of bytes 8..87)   8 payload length u32   12 payload crc u32
 *  16 sequence u64     24 stamp u64                 32 type u16, 34 zero u16
 *  36 in_group u32     40 items u32, 44 zero u32    48 pico i128
 *  64 items before u64 72 pico before i128          88 payload */
#define TOLL_JOURNAL_HEAD 88

struct toll_journal_head {
	uint64_t stamp;
	struct toll_journal_mark begin;
	toll_i128 pico;
	uint32_t payload_len, payload_crc;
	uint32_t in_group; /* records before this one in its group: those of before it were durable
	                      when this one was written */
	uint32_t items;
	uint16_t type;
};

void toll_journal_head_write(const struct toll_journal_head *h,
                             unsigned char to[TOLL_JOURNAL_HEAD]);
/* False: no intact head with this stamp is there. */
bool toll_journal_head_read(const unsigned char from[TOLL_JOURNAL_HEAD], uint64_t stamp,
                            struct toll_journal_head *ret) TOLL_MUST_CHECK;
struct toll_journal_mark toll_journal_head_end(const struct toll_journal_head *h);
/* Bytes in the segment, padding included. */
uint64_t toll_journal_record_bytes(uint64_t payload_len);

/* Segment head, at the start of its first block:
 *   0 magic 8 bytes  8 crc u32 (of bytes 12..87)  12 version u32  16 epoch  32 seed u64
 *  40 first sequence u64  48 items before u64  56 pico before i128  72 bytes of the segment u64
 *  80 wall clock in ms u64 */
#define TOLL_JOURNAL_SEGMENT_HEAD 88

struct toll_journal_segment_head {
	struct toll_journal_identity id;
	struct toll_journal_mark begin;
	uint64_t segment_bytes, made_wall_ms;
};

void toll_journal_segment_head_write(const struct toll_journal_segment_head *h,
                                     unsigned char to[TOLL_JOURNAL_SEGMENT_HEAD]);
/* 0, TOLL_EINVALID: damaged, TOLL_EUNSUPPORTED: intact and of another version. */
int toll_journal_segment_head_read(const unsigned char from[TOLL_JOURNAL_SEGMENT_HEAD],
                                   struct toll_journal_segment_head *ret) TOLL_MUST_CHECK;

/* Segments are called by their first sequence. */
#define TOLL_JOURNAL_SEGMENT_NAME 32
void toll_journal_segment_name(uint64_t first_seq, char name[TOLL_JOURNAL_SEGMENT_NAME]);
bool toll_journal_segment_parse(const char *name, uint64_t *ret_first_seq) TOLL_MUST_CHECK;

/* Checkpoint: one file of two slots that are written in turn, each in place.
 *   0 magic 8 bytes  8 crc u32 (of bytes 12..end)  12 version u32  16 epoch  32 seed u64
 *  40 generation u64  48 end mark (u64, u64, i128)  80 cursors u32, 84 zero u32
 *  88 cursors: name 128 bytes padded with zeros, mark */
#define TOLL_JOURNAL_SLOT 16384

struct toll_journal_checkpoint {
	struct toll_journal_identity id;
	uint64_t generation;
	struct toll_journal_mark end; /* durable when it was written */
	uint32_t count;
	struct toll_journal_saved {
		char name[TOLL_JOURNAL_NAME_MAX + 1];
		struct toll_journal_mark mark;
	} cursors[TOLL_JOURNAL_CURSORS_MAX];
};

void toll_journal_slot_write(const struct toll_journal_checkpoint *c,
                             unsigned char to[TOLL_JOURNAL_SLOT]);
/* 0, TOLL_EINVALID, TOLL_EUNSUPPORTED as above. */
int toll_journal_slot_read(const unsigned char from[TOLL_JOURNAL_SLOT],
                           struct toll_journal_checkpoint *ret) TOLL_MUST_CHECK;

#endif
