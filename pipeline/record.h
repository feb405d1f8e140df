/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - a batch as a record of a journal, and back: with its amounts, so that a replay never
 * prices again. Bytes: record_format.h. */
#ifndef TOLL_PIPELINE_RECORD_H
#define TOLL_PIPELINE_RECORD_H

#include "pipeline/journal.h"
#include "proto/batch.h"

#define TOLL_RECORD_BATCH 1 /* toll_journal_entry.type */

/* Fills parts, part_count, items, pico and type of e: the spans that are kept, the request as it
 * would leave with all edits, and what exporters read of a batch that its bytes do not say. items
 * and pico are spans and what they cost together with those they stand for. The batch is not
 * needed any more. *ret_memory: where the parts lie; free() it when the entry is done. TOLL_ENOMEM;
 * TOLL_ETOOBIG: over 4 GiB. */
int toll_record_new(const struct toll_batch *b, struct toll_journal_entry *e,
                    void **ret_memory) TOLL_MUST_CHECK;

/* What a record of it is worth: its spans that are kept, and what they cost with those they stand
 * for. */
struct toll_journal_mark toll_record_worth(const struct toll_batch *b);

/* A sealed batch that is to every exporter what the one that was written had been: dropped spans
 * are gone, so indexes of spans may be lower. Its origin is the record's; peer and prices are
 * unknown. Any bytes may come. TOLL_EFULL: the memory budget (memory may be NULL); TOLL_ENOMEM;
 * TOLL_EINVALID: not what this program wrote; TOLL_EUNSUPPORTED: what a newer one wrote. */
int toll_record_decode(const struct toll_journal_record *r, const char *epoch,
                       struct toll_memory *memory, struct toll_batch **ret) TOLL_MUST_CHECK;

#endif
