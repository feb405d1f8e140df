/* SPDX-License-Identifier: Apache-2.0 */
/* flat.h - the flat cost record of one span (proto/cost_record.h) -> its parts, and from those an
 * OTLP span with the same amount. Of records of others the seed's five fields are enough: trace_id,
 * service, operation, cost_amount, timestamp. No allocation. */
#ifndef TOLL_RECEIVERS_KAFKA_FLAT_H
#define TOLL_RECEIVERS_KAFKA_FLAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cost/decimal.h"
#include "proto/otlp_json.h"

struct toll_flat {
	char trace_id[16], span_id[8], parent_span_id[8];
	bool has_trace_id, has_span_id, has_parent, has_amount;
	int64_t pico;
	uint64_t timestamp_ms, received_ms; /* 0: not told */
	toll_u128 adjusted;                 /* x 10^-TOLL_ADJUSTED_PLACES */
	uint64_t threshold;                 /* 0: none */
	struct toll_slice service, operation, cost_error, model, commit, feature, tenant, session,
		region, environment, price_version;
};

/* text: one JSON object. room: as long as text; texts with escapes lie there, others in text.
 * 0; TOLL_EINVALID with a static sentence: no record of a cost. */
int toll_flat_read(struct toll_slice text, char *room, struct toll_flat *ret,
                   const char **ret_why) TOLL_MUST_CHECK;

/* Appends the Resource message with its tag, or the Span message with its tag. Errors stick in
 * out. */
void toll_flat_write_resource(const struct toll_flat *f, struct toll_buffer *out);
void toll_flat_write_span(const struct toll_flat *f, struct toll_buffer *out);

#endif
