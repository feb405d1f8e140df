/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h - what was written last into a directory is found there again: a snapshot, and
 * what has changed since. Waits for the disk; one thread at a time. */
#ifndef TOLL_ENFORCER_CHECKPOINT_H
#define TOLL_ENFORCER_CHECKPOINT_H

#include "base/error.h"
#include "exporters/enforcer/checkpoint/checkpoint_frame.h"
#include "pipeline/journal_io.h"

struct toll_checkpoint {
	struct toll_journal_io *io; /* owned; NULL: not open */
	int files[2];
	uint64_t room[2];    /* bytes of disk that are theirs */
	unsigned good;       /* the file that tells the state; the other may be written over */
	uint64_t generation; /* of the good one; 0: there is none */
	uint64_t number;     /* of its next frame, at ... */
	uint64_t end;        /* ... this place */
	uint64_t snapshot_bytes;
	bool doubtful; /* found, or written with an error: a snapshot has to come next */
};

/* What was found, in order: a snapshot, then changes. */
typedef int toll_checkpoint_frame_fn(void *ctx, const struct toll_frame *f);

/* Opens the files, or makes them. Calls fn for each frame; negative ends it. TOLL_EINVALID, also
 * from fn: there was a checkpoint, but it is damaged; its files are called ...damaged now, and new
 * ones are there. 0 with c->generation == 0: there was none. Anything else: it is not usable, and
 * TOLL_EUNSUPPORTED: a newer version wrote it, nothing was touched. Close it in any case; io is
 * taken over. */
int toll_checkpoint_open(struct toll_checkpoint *c, struct toll_journal_io *io,
                         toll_checkpoint_frame_fn *fn, void *ctx) TOLL_MUST_CHECK;
void toll_checkpoint_close(struct toll_checkpoint *c);

/* Is a snapshot due? True also after an error: what was written then is in doubt. */
bool toll_checkpoint_wants_snapshot(const struct toll_checkpoint *c);
/* 0: durable. Else the state before or, after a crash, this one will be found. */
int toll_checkpoint_write_snapshot(struct toll_checkpoint *c,
                                   struct toll_slice payload) TOLL_MUST_CHECK;
int toll_checkpoint_write_changes(struct toll_checkpoint *c,
                                  struct toll_slice payload) TOLL_MUST_CHECK;

#endif
