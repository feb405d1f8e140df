/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_frame.h - the format of a checkpoint's files. Pure.
 *
 * Two files, checkpoint.0 and checkpoint.1, each a run of frames that begin at blocks of 4 KiB:
 *
 *   a snapshot: everything | changes | changes | ... | superseded
 *
 * A frame is a head and a payload (checkpoint_save.h), then zeros up to the next block:
 *
 *   0  u32 magic "tck1"     8  u64 generation, of all frames of the file  24  u64 payload bytes
 *   4  u16 version, 1      16  u64 number: 0 of the snapshot, then        32  u32 CRC32C of the
 * payload 6  u16 kind                rising                                     36  u32 CRC32C of
 * the head
 *
 * Little endian. The snapshot of the next generation goes to the other file, and once that is
 * durable this file is superseded: so a file that ends without being so is the last one, and one
 * that is superseded tells that the other has been whole. What follows the last frame are older
 * generations, or zeros. */
#ifndef TOLL_ENFORCER_CHECKPOINT_FRAME_H
#define TOLL_ENFORCER_CHECKPOINT_FRAME_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_FRAME_BLOCK 4096u
#define TOLL_FRAME_HEAD  40u

enum toll_frame_kind { TOLL_FRAME_SNAPSHOT = 1, TOLL_FRAME_CHANGES, TOLL_FRAME_SUPERSEDED };

struct toll_frame {
	enum toll_frame_kind kind;
	uint64_t generation, number;
	struct toll_slice payload;
};

void toll_frame_head(const struct toll_frame *f, unsigned char out[TOLL_FRAME_HEAD]);
/* With the zeros behind it. */
uint64_t toll_frame_bytes(uint64_t payload);

/* The frame that begins at `at`. TOLL_EINVALID: none does; TOLL_EUNSUPPORTED: of a newer version.
 */
int toll_frame_read(struct toll_slice file, uint64_t at, struct toll_frame *ret) TOLL_MUST_CHECK;

/* What a file holds. */
struct toll_frames {
	uint64_t generation;
	uint64_t count;  /* of frames from the snapshot on; 0: there is no snapshot */
	uint64_t end;    /* where they end */
	bool superseded; /* and the next generation has been whole */
	bool torn;       /* later frames are there, but not these: damage */
};

/* TOLL_EUNSUPPORTED. Any bytes may come. */
int toll_frames_find(struct toll_slice file, struct toll_frames *ret) TOLL_MUST_CHECK;

#endif
