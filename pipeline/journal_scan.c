/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/journal_scan.h"

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"

/* What is read at once, at least. */
#define WINDOW ((size_t)256 << 10)

void toll_journal_scan_init(struct toll_journal_scan *s, struct toll_journal_io *io, int file,
                            uint64_t stamp)
{
	*s = (struct toll_journal_scan){ .io = io,
		                         .file = file,
		                         .stamp = stamp,
		                         .at = TOLL_JOURNAL_BLOCK,
		                         .until = UINT64_MAX };
}

void toll_journal_scan_release(struct toll_journal_scan *s)
{
	s->io->free(s->io, s->buf);
	s->buf = NULL;
	s->room = s->have = 0;
}

/* What one sector holds must not take its neighbours along. */
static void read_by_blocks(struct toll_journal_scan *s, size_t len)
{
	for (size_t done = 0; done < len; done += TOLL_JOURNAL_BLOCK) {
		size_t n = len - done < TOLL_JOURNAL_BLOCK ? len - done : TOLL_JOURNAL_BLOCK;
		ssize_t got =
			toll_journal_read_all(s->io, s->file, s->buf + done, n, s->buf_at + done);

		if (got < (ssize_t)n)
			memset(s->buf + done + (got < 0 ? 0 : got), 0,
			       n - (size_t)(got < 0 ? 0 : got));
		s->unreadable = s->unreadable || got < 0;
	}
	s->have = len;
}

static int make_room(struct toll_journal_scan *s, size_t len)
{
	unsigned char *larger;

	if (len <= s->room)
		return 0;
	larger = s->io->alloc(s->io, len);
	if (!larger)
		return TOLL_ENOMEM;
	s->io->free(s->io, s->buf);
	s->buf = larger;
	s->room = len;
	s->have = 0;
	return 0;
}

/* [at, at + len) into the buffer, as far as the limit goes, and more behind it. */
static int fetch(struct toll_journal_scan *s, uint64_t at, size_t len)
{
	size_t want = len > WINDOW ? len : WINDOW;
	ssize_t got;
	int err;

	if (at >= s->buf_at && at + len <= s->buf_at + s->have)
		return 0;
	if (want > s->limit - at)
		want = (size_t)(s->limit - at);
	err = make_room(s, want > WINDOW ? want : WINDOW);
	if (err < 0)
		return err;
	s->have = 0;
	s->buf_at = at;
	got = toll_journal_read_all(s->io, s->file, s->buf, want, at);
	if (got == -EIO) {
		read_by_blocks(s, want);
		return 0;
	}
	if (got < 0)
		return toll_journal_error((int)got);
	s->have = (size_t)got;
	if (s->have < want) /* the file is shorter than it should be */
		s->limit = at + s->have;
	return 0;
}

/* 1: an intact head at s->at, or somewhere behind it, where s->at now is. */
static int find_head(struct toll_journal_scan *s, struct toll_journal_head *ret)
{
	for (; s->at + TOLL_JOURNAL_HEAD <= s->limit; s->at += TOLL_JOURNAL_ALIGN) {
		int err = fetch(s, s->at, TOLL_JOURNAL_HEAD);

		if (err < 0)
			return err;
		if (s->at + TOLL_JOURNAL_HEAD <= s->limit &&
		    toll_journal_head_read(s->buf + (s->at - s->buf_at), s->stamp, ret) &&
		    ret->payload_len <= s->limit - s->at - TOLL_JOURNAL_HEAD)
			return 1;
	}
	return 0;
}

int toll_journal_scan_next(struct toll_journal_scan *s, struct toll_journal_head *ret,
                           struct toll_slice *ret_payload)
{
	int err;

	while ((err = find_head(s, ret)) > 0) {
		size_t len = ret->payload_len;
		uint64_t from = s->at;
		const unsigned char *payload;

		err = fetch(s, from, TOLL_JOURNAL_HEAD + len);
		if (err < 0)
			return err;
		if (from + TOLL_JOURNAL_HEAD + len > s->limit)
			continue; /* it has just turned out to be shorter */
		s->at += toll_journal_record_bytes(len);
		payload = s->buf + (from - s->buf_at) + TOLL_JOURNAL_HEAD;
		if (ret->begin.seq < s->next || ret->begin.seq >= s->until ||
		    toll_crc32c(0, payload, len) != ret->payload_crc)
			continue;
		s->next = ret->begin.seq + 1;
		*ret_payload = toll_slice(payload, len);
		return 1;
	}
	return err;
}
