/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - what an answer of the destination means for the spans of its request. */
#ifndef TOLL_EXPORTERS_OTLP_VERDICT_H
#define TOLL_EXPORTERS_OTLP_VERDICT_H

#include "net/grpc_client.h"
#include "pipeline/otlp_out.h"

/* size: encoded bytes of the request. Borrows from r. */
struct toll_otlp_out_verdict toll_otlp_grpc_out_verdict(const struct toll_grpc_reply *r,
                                                        size_t size);

const char *toll_otlp_grpc_out_status_name(int grpc_status); /* "UNAVAILABLE" */

#endif
