/* SPDX-License-Identifier: Apache-2.0 */
/* record_format.h - the bytes of a batch in a journal: a head, a table of what its spans cost, and
 * the request as it would leave.
 *
 *   0 version u16, 2 zero u16    4 table bytes u32     8 spans u32          12 texts u32
 *  16 received_wall_ms u64      24 digest u64, u64    40 table, then the request: to the end
 *
 * Integers of the head are little-endian, those of the table are varints (proto/wire.h). The
 * request is an ExportTraceServiceRequest with all edits and without the spans that were dropped;
 * the table goes along with it:
 *
 *   price version                                  text
 *   for each ResourceSpans: who pays, who claimed  text, text
 *     for each of its spans: flags, one byte, and what they announce, in this order:
 *       bits 0, 1    enum toll_cost_state
 *       OPERATION    text; else that of the span before
 *       REGION       text; else that of the span before
 *       ERROR        the sentence of cost.error, text; else empty
 *       (unpriced)   enum toll_unpriced
 *       AMOUNT       picodollars as two's complement; else 0
 *       SAMPLED      threshold, adjusted count; else 0, 1
 *   where some were received at a time of their own, before they came here: for each ResourceSpans
 *   received_ms; 0: with the batch
 *
 * A text is a number: 0 the empty one; 1 a new one, whose length and bytes follow; n > 1 the
 * (n - 2)-th of the new ones. The head says how many of these there are. */
#ifndef TOLL_PIPELINE_RECORD_FORMAT_H
#define TOLL_PIPELINE_RECORD_FORMAT_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_RECORD_VERSION 1
#define TOLL_RECORD_HEAD    40

enum {
	TOLL_RECORD_STATE = 3, /* mask of enum toll_cost_state */
	TOLL_RECORD_OPERATION = 4,
	TOLL_RECORD_REGION = 8,
	TOLL_RECORD_ERROR = 16,
	TOLL_RECORD_AMOUNT = 32,
	TOLL_RECORD_SAMPLED = 64,
	TOLL_RECORD_FLAGS = 127, /* all that are known */
};

enum { TOLL_RECORD_TEXT_EMPTY = 0, TOLL_RECORD_TEXT_NEW = 1, TOLL_RECORD_TEXT_FIRST = 2 };

struct toll_record_head {
	uint32_t table_bytes, spans, texts;
	uint64_t received_wall_ms;
	uint64_t digest[2];
};

void toll_record_head_write(const struct toll_record_head *h, char to[TOLL_RECORD_HEAD]);
/* 0; TOLL_EINVALID: too short, or the table is longer than the payload; TOLL_EUNSUPPORTED. */
int toll_record_head_read(struct toll_slice payload, struct toll_record_head *ret) TOLL_MUST_CHECK;

#endif
