/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_repeats_store.c - any bytes in the files of known requests: what is read is bounded, and the
 * store goes on behind them.
 *
 * Checksums would keep a fuzzer out. First byte: bit 0, both files have whole checksums and magics;
 * bits 1 and 2, the last block of each is cut; the rest is half one file, half the other. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "pipeline/repeats_store.h"
#include "tests/support/journal_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCKS_MAX = 8 };

static void mend(unsigned char *b)
{
	uint32_t crc = toll_crc32c(0, b + 12, TOLL_REPEATS_BLOCK - 12);

	memcpy(b, "TOCDRPT1", 8);
	memcpy(b + 8, &crc, sizeof(crc));
}

static void put_file(struct disk *d, const char *name, const uint8_t *at, size_t len, bool whole,
                     bool cut)
{
	static unsigned char bytes[BLOCKS_MAX * TOLL_REPEATS_BLOCK];
	size_t blocks = (len + TOLL_REPEATS_BLOCK - 1) / TOLL_REPEATS_BLOCK;
	int file = d->io.open(&d->io, name, TOLL_JOURNAL_OPEN_NEW);

	blocks = blocks < BLOCKS_MAX ? blocks : BLOCKS_MAX;
	len = len < sizeof(bytes) ? len : sizeof(bytes);
	memset(bytes, 0, sizeof(bytes));
	if (len)
		memcpy(bytes, at, len);
	for (size_t i = 0; i < blocks && whole; i++)
		mend(bytes + i * TOLL_REPEATS_BLOCK);
	disk_file_put(&d->files[file], 0, bytes, cut ? len : blocks * TOLL_REPEATS_BLOCK);
	d->io.close(&d->io, file);
}

static void count(void *ctx, const struct toll_repeats_saved *e)
{
	(void)e;
	++*(size_t *)ctx;
}

static size_t load(struct disk *d, const struct toll_repeats_saved *append)
{
	struct toll_repeats_store *s = NULL;
	uint64_t seed, damaged;
	size_t found = 0;

	assert(toll_repeats_store_open(&d->io, 1, &seed, &s) == 0);
	assert(toll_repeats_store_load(s, count, &found, &damaged) == 0);
	assert(damaged <= 2 * BLOCKS_MAX + 2);
	assert(found <= (size_t)(2 * BLOCKS_MAX + 1) * TOLL_REPEATS_PER_BLOCK);
	if (append)
		assert(toll_repeats_store_append(s, append, 1, append->second) == 0);
	toll_repeats_store_free(s);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct toll_repeats_saved e = { { 1, 2 }, 3 };
	struct disk d;
	uint8_t how = size ? *data : 0;
	size_t half = size ? (size - 1) / 2 : 0;

	disk_init(&d);
	if (size) {
		put_file(&d, "repeats.0", data + 1, half, how & 1, how & 2);
		put_file(&d, "repeats.1", data + 1 + half, size - 1 - half, how & 1, how & 4);
	}
	load(&d, &e);
	assert(load(&d, NULL) >= 1);
	disk_destroy(&d);
	return 0;
}
