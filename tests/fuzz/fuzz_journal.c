/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_journal.c - any bytes behind a segment's first block: the reader ends, every record it gives
 * lies in order, and a journal opens over them.
 *
 * Stamps and checksums would keep a fuzzer out. The input is a list of pieces instead: a byte that
 * says what (0..127: so many bytes of noise; 128..: a record with that many bytes of payload, whose
 * head may then be spoilt at one place by the next two bytes, offset and mask), and its bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "pipeline/journal_scan.h"
#include "tests/support/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 << 10 };

static struct toll_journal_identity id = { { 1, 2, 3 }, 4 };

struct input {
	const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static size_t put_record(unsigned char *to, size_t len, struct input *in, uint64_t *seq)
{
	struct toll_journal_head head = {
		.stamp = toll_journal_stamp(&id, 0),
		.begin = { *seq, *seq, 0 },
		.payload_len = (uint32_t)len,
		.items = 1,
	};
	unsigned char *payload = to + TOLL_JOURNAL_HEAD;
	uint8_t at, mask;

	head.in_group = next(in) % 4;
	*seq += 1 + next(in) / 128;
	for (size_t i = 0; i < len; i++)
		payload[i] = next(in);
	head.payload_crc = toll_crc32c(0, payload, len);
	toll_journal_head_write(&head, to);
	at = next(in);
	mask = next(in);
	to[at % (TOLL_JOURNAL_HEAD + len)] ^= mask;
	return toll_journal_record_bytes(len);
}

static size_t build(unsigned char *to, struct input in)
{
	size_t at = TOLL_JOURNAL_BLOCK;
	uint64_t seq = 0;

	while (in.at < in.end && at + 512 < ROOM) {
		uint8_t what = next(&in);

		if (what & 128) {
			at += put_record(to + at, what & 127, &in, &seq);
			continue;
		}
		for (; what; what--)
			to[at++] = next(&in);
	}
	return at;
}

static void scan(struct disk *d)
{
	struct toll_journal_scan s;
	struct toll_journal_head head;
	struct toll_slice payload;
	uint64_t least = 0;
	int file = d->io.open(&d->io, "00000000000000000000.journal", TOLL_JOURNAL_OPEN_READ);

	toll_journal_scan_init(&s, &d->io, file, toll_journal_stamp(&id, 0));
	s.limit = ROOM;
	while (toll_journal_scan_next(&s, &head, &payload) > 0) {
		assert(head.begin.seq >= least);
		assert(head.payload_crc == toll_crc32c(0, payload.ptr, payload.len));
		least = head.begin.seq + 1;
	}
	toll_journal_scan_release(&s);
	d->io.close(&d->io, file);
}

static void open_and_read(struct disk *d)
{
	struct toll_journal *j = open_on(d);
	struct toll_journal_mark at = { 0 };
	struct toll_journal_record record;
	struct toll_journal_reader *r;

	assert(toll_journal_reader_new(j, at, &r) == 0);
	while (toll_journal_read(r, &record) > TOLL_JOURNAL_END) {
		assert(record.begin.seq == at.seq && record.end.seq > at.seq);
		at = record.end;
	}
	assert(at.seq == toll_journal_end(j).seq);
	toll_journal_reader_free(r);
	assert(toll_journal_close(j, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct toll_journal_segment_head head = { .id = id };
	static unsigned char bytes[ROOM];
	struct disk d;
	size_t len;

	toll_log_set_sink(no_line, NULL);
	memset(bytes, 0, sizeof(bytes));
	toll_journal_segment_head_write(&head, bytes);
	len = build(bytes, (struct input){ data, data + size });
	disk_init(&d);
	disk_name_it(&d, "00000000000000000000.journal", d.file_count++);
	disk_file_put(&d.files[0], 0, bytes, len);
	scan(&d);
	open_and_read(&d);
	disk_destroy(&d);
	return 0;
}
