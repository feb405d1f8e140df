/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_piece.h - what goes into one request: a run of a delivery's spans, cut by encoded bytes. */
#ifndef TOLL_PIPELINE_OTLP_PIECE_H
#define TOLL_PIPELINE_OTLP_PIECE_H

#include "pipeline/lost.h"

struct toll_otlp_piece {
	const struct toll_delivery *delivery;
	uint32_t part, first; /* begins with this span of this part */
	uint32_t last_part;   /* ends in this part */
	uint32_t end;         /* before this span of it */
	uint32_t kept;        /* spans that are not dropped */
	size_t size;          /* exact, encoded */
};

/* The kept spans of d after the first `done` ones, as many as take at most max_bytes, at least one.
 * False: there are none. */
bool toll_otlp_piece_next(const struct toll_delivery *d, uint32_t done, size_t max_bytes,
                          struct toll_otlp_piece *ret);

/* One ExportTraceServiceRequest, exactly p->size bytes. */
void toll_otlp_piece_encode(const struct toll_otlp_piece *p, char *out);

struct toll_lost toll_otlp_piece_lost(const struct toll_otlp_piece *p);

#endif
