/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_input.h - recorded spans out of files into a replay: flat cost records (exporters kafka
 * and file, `encoding: json`), and OTLP requests, priced here. */
#ifndef TOLL_CMD_SIMULATE_INPUT_H
#define TOLL_CMD_SIMULATE_INPUT_H

#include "budget/replay.h"
#include "cmd/spantoll/one_pipeline.h"

struct toll_simulate_input {
	struct toll_replay *replay;
	const struct toll_subjects *subjects; /* of the rules */
	uint32_t seen; /* a bit per dimension that some span had a value of */
	/* Prices requests; made at the first one. */
	struct toll_config *config; /* changed by that */
	const char *pipeline_id;    /* NULL: the first with a processor cost */
	struct toll_one_pipeline *pipeline;
	bool progress; /* on stderr */
	uint64_t records, requests, unpriced;
	uint64_t unreadable; /* lines that are neither; the first one: */
	struct toll_error first_unreadable;
};

/* "-": standard input. A line that makes no sense is counted and passed over. Negative: the file
 * cannot be read, or requests cannot be priced. */
int toll_simulate_file(struct toll_simulate_input *in, const char *name,
                       struct toll_error *reterr) TOLL_MUST_CHECK;
void toll_simulate_input_release(struct toll_simulate_input *in);

#endif
