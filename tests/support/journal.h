/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - records whose every byte follows from a number, and small journals for them. */
#ifndef TOLL_TESTS_JOURNAL_H
#define TOLL_TESTS_JOURNAL_H

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "pipeline/journal_private.h"
#include "tests/support/journal_disk.h"

enum { SENT_MOST = 6000, SENT_TYPE = 7 };

struct sent {
	struct toll_journal_entry entry;
	uint32_t id;
	int answers; /* how many have come */
	int err;
	size_t acked_at; /* operations of the disk by then */
	struct disk *disk;
	unsigned char bytes[SENT_MOST];
};

static inline uint32_t sent_len(uint32_t id)
{
	return 8 + id * 2654435761u % (id % 11 == 0 ? SENT_MOST - 8 : 900);
}

static inline void sent_fill(uint32_t id, unsigned char *bytes)
{
	memcpy(bytes, &id, sizeof(id));
	for (uint32_t i = 4; i < sent_len(id); i++)
		bytes[i] = (unsigned char)(id * 31 + i * 7 + (i >> 6));
}

static inline void sent_done(struct toll_journal_entry *e, int err)
{
	struct sent *s = toll_container_of(e, struct sent, entry);

	s->answers++;
	s->err = err;
	s->acked_at = s->disk ? s->disk->op_count : 0;
}

/* In two parts, because callers have more than one. */
static inline void sent_init(struct sent *s, uint32_t id, struct disk *disk)
{
	const uint32_t len = sent_len(id), cut = len / 3;

	memset(s, 0, offsetof(struct sent, bytes));
	s->id = id;
	s->disk = disk;
	sent_fill(id, s->bytes);
	s->entry.parts[0] = toll_slice(s->bytes, cut);
	s->entry.parts[1] = toll_slice(s->bytes + cut, len - cut);
	s->entry.part_count = 2;
	s->entry.type = SENT_TYPE;
	s->entry.items = id % 5 + 1;
	s->entry.pico = (toll_i128)id * 1000003;
	s->entry.done = sent_done;
}

/* The id, or -1: nobody has sent such a record. */
static inline int64_t sent_id(const struct toll_journal_record *r)
{
	unsigned char expected[SENT_MOST];
	uint32_t id;

	if (r->payload.len < 8 || r->type != SENT_TYPE)
		return -1;
	memcpy(&id, r->payload.ptr, sizeof(id));
	if (r->payload.len != sent_len(id))
		return -1;
	sent_fill(id, expected);
	if (memcmp(r->payload.ptr, expected, r->payload.len) != 0 || r->items != id % 5 + 1 ||
	    r->end.pico - r->begin.pico != (toll_i128)id * 1000003)
		return -1;
	return id;
}

/* Four blocks a segment: much happens with few bytes. */
static inline struct toll_journal_settings small_journal(struct disk *d)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS("test", "journal/test");

	set.segment_bytes = 16 << 10;
	set.max_bytes = 512 << 10;
	set.by_hand = true;
	set.io = d ? &d->io : NULL;
	return set;
}

static inline struct toll_journal *open_on(struct disk *d)
{
	struct toll_journal_settings set = small_journal(d);
	struct toll_error why = { 0 };
	struct toll_journal *j = NULL;

	if (toll_journal_open(&set, &j, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	return j;
}

/* A sink of logs for tests in which much goes wrong. */
static inline void no_line(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

#endif
