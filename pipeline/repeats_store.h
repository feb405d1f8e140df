/* SPDX-License-Identifier: Apache-2.0 */
/* repeats_store.h - digests of requests on disk, in a directory of their own: two files that are
 * written in turn, and the secret seed.
 *
 * A file is blocks of 4 KiB; a block that is damaged costs its own digests only:
 *   0 magic 8 bytes   8 crc u32 (of bytes 12..4095)   12 count u32   16 generation u64
 *  24 zero u64       32 entries: digest u64, u64, second u32 (since 1970)
 * Every block of a file has its generation; the file with the higher one is appended to. When all
 * of the other are too old, or this one is full, the other is begun anew. `seed` is
 *   0 magic 8 bytes   8 crc u32 (of bytes 12..23)   12 zero u32   16 seed u64 */
#ifndef TOLL_PIPELINE_REPEATS_STORE_H
#define TOLL_PIPELINE_REPEATS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pipeline/journal_io.h"

#define TOLL_REPEATS_BLOCK       4096
#define TOLL_REPEATS_BLOCK_HEAD  32
#define TOLL_REPEATS_SAVED_BYTES 20
#define TOLL_REPEATS_PER_BLOCK \
	((TOLL_REPEATS_BLOCK - TOLL_REPEATS_BLOCK_HEAD) / TOLL_REPEATS_SAVED_BYTES)

struct toll_repeats_store;

struct toll_repeats_saved {
	uint64_t digest[2];
	uint32_t second; /* wall clock */
};

/* io: taken, also when this fails. random: the seed where there is none that can be read; *ret_seed
 * is what holds. The disk's error, TOLL_ENOMEM. */
int toll_repeats_store_open(struct toll_journal_io *take_io, uint64_t random, uint64_t *ret_seed,
                            struct toll_repeats_store **ret) TOLL_MUST_CHECK;
struct toll_repeats_store *toll_repeats_store_free(struct toll_repeats_store *s);

/* All that can be read, the older file first. *ret_damaged: blocks that cannot. Once, before the
 * first append. */
int toll_repeats_store_load(struct toll_repeats_store *s,
                            void (*fn)(void *ctx, const struct toll_repeats_saved *e), void *ctx,
                            uint64_t *ret_damaged) TOLL_MUST_CHECK;

/* max_age, in seconds: older ones need not be kept; max_bytes: of one file. */
void toll_repeats_store_limit(struct toll_repeats_store *s, uint32_t max_age, uint64_t max_bytes);
/* Durable when this returns 0. Else nothing is known of them; the same may be tried again. */
int toll_repeats_store_append(struct toll_repeats_store *s, const struct toll_repeats_saved *at,
                              size_t count, uint32_t now) TOLL_MUST_CHECK;

#endif
