/* SPDX-License-Identifier: Apache-2.0 */
/* record_read.c - the batch of a record. The bytes have a good checksum, and still anything may be
 * in them. */
#include <stdio.h>

#include "pipeline/record.h"
#include "pipeline/record_format.h"
#include "proto/edit.h"
#include "proto/otlp_decode.h"
#include "proto/wire.h"

struct reader {
	struct toll_reader in;
	struct toll_slice *texts;
	uint32_t text_count, text_room;
	struct toll_slice operation, region; /* of the span before */
};

static bool read_text(struct reader *r, struct toll_slice *ret)
{
	uint64_t number;

	if (!toll_read_varint(&r->in, &number))
		return false;
	if (number == TOLL_RECORD_TEXT_EMPTY) {
		*ret = toll_slice(NULL, 0);
		return true;
	}
	if (number == TOLL_RECORD_TEXT_NEW) {
		if (r->text_count == r->text_room || !toll_read_bytes(&r->in, ret))
			return false;
		r->texts[r->text_count++] = *ret;
		return true;
	}
	if (number - TOLL_RECORD_TEXT_FIRST >= r->text_count)
		return false;
	*ret = r->texts[number - TOLL_RECORD_TEXT_FIRST];
	return true;
}

static bool read_texts(struct reader *r, uint8_t flags, struct toll_span *s)
{
	if ((flags & TOLL_RECORD_OPERATION && !read_text(r, &r->operation)) ||
	    (flags & TOLL_RECORD_REGION && !read_text(r, &r->region)) ||
	    (flags & TOLL_RECORD_ERROR && !read_text(r, &s->cost_error)))
		return false;
	s->operation = r->operation;
	s->region = r->region;
	return true;
}

static bool read_amount(struct reader *r, uint8_t flags, struct toll_span *s)
{
	uint64_t why, pico;

	if (s->cost_state == TOLL_COST_UNPRICED) {
		if (!toll_read_varint(&r->in, &why) || why >= TOLL_UNPRICED_COUNT)
			return false;
		s->unpriced = (uint8_t)why;
	}
	if (flags & TOLL_RECORD_AMOUNT) {
		if (!toll_read_varint(&r->in, &pico))
			return false;
		s->cost_pico = (int64_t)pico;
	}
	return !(flags & TOLL_RECORD_SAMPLED) || (toll_read_varint(&r->in, &s->threshold) &&
	                                          toll_read_varint(&r->in, &s->adjusted_count));
}

static bool read_span(struct reader *r, struct toll_span *s)
{
	uint8_t flags;

	if (r->in.at == r->in.end)
		return false;
	flags = (uint8_t)*r->in.at++;
	s->cost_state = flags & TOLL_RECORD_STATE;
	return flags <= TOLL_RECORD_FLAGS && s->cost_state <= TOLL_COST_PRICED &&
	       read_texts(r, flags, s) && read_amount(r, flags, s);
}

static bool read_resource(struct reader *r, struct toll_batch *b, struct toll_resource *res)
{
	if (!read_text(r, &res->service) || !read_text(r, &res->claimed))
		return false;
	for (uint32_t i = 0; i < res->span_count; i++)
		if (!read_span(r, &b->spans[res->span_first + i]))
			return false;
	return true;
}

static int read_table(struct toll_batch *b, struct toll_slice table, uint32_t texts)
{
	struct reader r = { .in = toll_reader_of(table), .text_room = texts };
	struct toll_slice version;

	r.texts = toll_arena_new(&b->arena, struct toll_slice, texts);
	if (!r.texts)
		return b->arena.err;
	if (!read_text(&r, &version))
		return TOLL_EINVALID;
	for (uint32_t i = 0; i < b->resource_count; i++)
		if (!read_resource(&r, b, &b->resources[i]))
			return TOLL_EINVALID;
	for (uint32_t i = 0; i < b->resource_count && r.in.at != r.in.end; i++)
		if (!toll_read_varint(&r.in, &b->resources[i].received_ms))
			return TOLL_EINVALID;
	if (r.in.at != r.in.end)
		return TOLL_EINVALID;
	b->price_version = version.len ? toll_arena_strdup(&b->arena, version) : NULL;
	return version.len && !b->price_version ? b->arena.err : 0;
}

/* The whole payload has been copied to where the batch's wire bytes are. */
static int read_batch(struct toll_batch *b, const struct toll_record_head *head)
{
	struct toll_slice table = toll_slice(b->wire.ptr + TOLL_RECORD_HEAD, head->table_bytes);
	size_t before = TOLL_RECORD_HEAD + (size_t)head->table_bytes;
	int err;

	b->wire = toll_slice(b->wire.ptr + before, b->wire.len - before);
	err = toll_otlp_decode_own(b);
	if (err)
		return err;
	/* Each text and each span needs a byte of the table at least. */
	if (head->texts > table.len || b->span_count != head->spans || b->dropped_count)
		return TOLL_EINVALID;
	toll_batch_allow(b, head->texts * sizeof(struct toll_slice) + table.len);
	return read_table(b, table, head->texts);
}

static void fill(struct toll_batch *b, const struct toll_record_head *head,
                 const struct toll_journal_record *r, const char *epoch)
{
	b->received_wall_ms = head->received_wall_ms;
	b->digest[0] = head->digest[0];
	b->digest[1] = head->digest[1];
	b->origin.seq = r->begin.seq;
	snprintf(b->origin.epoch, sizeof(b->origin.epoch), "%s", epoch);
}

int toll_record_decode(const struct toll_journal_record *r, const char *epoch,
                       struct toll_memory *memory, struct toll_batch **ret)
{
	struct toll_record_head head;
	struct toll_batch *b;
	char *bytes;
	int err = TOLL_EUNSUPPORTED;

	if (r->type == TOLL_RECORD_BATCH)
		err = toll_record_head_read(r->payload, &head);
	if (!err)
		err = toll_batch_new(r->payload.len, memory, &bytes, &b);
	if (err)
		return err;
	memcpy(bytes, r->payload.ptr, r->payload.len);
	err = read_batch(b, &head);
	if (!err)
		err = toll_batch_account(b);
	if (err)
		return toll_batch_unref(b), err;
	fill(b, &head, r, epoch);
	toll_batch_seal(b);
	*ret = b;
	return 0;
}
