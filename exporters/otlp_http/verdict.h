/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - what an HTTP answer means for the spans of its request (OTLP specification,
 * "OTLP/HTTP Response"). */
#ifndef TOLL_EXPORTERS_OTLP_HTTP_VERDICT_H
#define TOLL_EXPORTERS_OTLP_HTTP_VERDICT_H

#include "net/http_post.h"
#include "pipeline/otlp_out.h"

/* Where the destination's words are put together. */
struct toll_otlp_http_out_words {
	char status[32]; /* "status 503" */
	char text[512];
};

/* Everything borrows from r and words. */
struct toll_otlp_out_verdict toll_otlp_http_out_verdict(const struct toll_http_reply *r,
                                                        struct toll_otlp_http_out_words *words);

#endif
