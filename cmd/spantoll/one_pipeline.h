/* SPDX-License-Identifier: Apache-2.0 */
/* one_pipeline.h - the processors of one pipeline at work on single requests, in this process:
 * nothing listens, nothing is exported. Main thread only. */
#ifndef TOLL_CMD_ONE_PIPELINE_H
#define TOLL_CMD_ONE_PIPELINE_H

#include "base/error.h"
#include "config/config.h"
#include "proto/batch.h"

struct toll_one_pipeline;

/* Of the configuration only that pipeline's processors and the price books are used; id NULL: the
 * first that has a processor cost. The configuration is changed for that, and stays the caller's.
 * Waits for prices that come by network. */
int toll_one_pipeline_new(struct toll_config *config, const char *id,
                          struct toll_one_pipeline **ret,
                          struct toll_error *reterr) TOLL_MUST_CHECK;

/* An OTLP request, protobuf or (it begins with a '{') JSON, through the processors. TOLL_EINVALID:
 * it is none. *ret_batch is sealed; the caller has a reference. */
int toll_one_pipeline_run(struct toll_one_pipeline *p, struct toll_slice request,
                          struct toll_batch **ret_batch, struct toll_error *reterr) TOLL_MUST_CHECK;

struct toll_one_pipeline *toll_one_pipeline_free(struct toll_one_pipeline *p);

#endif
