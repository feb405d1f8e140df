/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - what an answer of the destination means for the spans of its request. */
#ifndef TOLL_EXPORTERS_OTLP_VERDICT_H
#define TOLL_EXPORTERS_OTLP_VERDICT_H

#include "net/grpc_client.h"

enum toll_otlp_out_fate {
	TOLL_OTLP_OUT_SENT = 0,  /* the destination has them, but for those it rejected */
	TOLL_OTLP_OUT_RETRY,     /* the same again, later */
	TOLL_OTLP_OUT_TOO_LARGE, /* never in one message of this size */
	TOLL_OTLP_OUT_REFUSED,   /* never */
};

struct toll_otlp_out_verdict {
	enum toll_otlp_out_fate fate;
	int err;                   /* of RETRY: TOLL_EDOWN, TOLL_ETIMEOUT, TOLL_EFULL */
	uint64_t retry_after_ns;   /* of RETRY: what the destination asks for */
	uint64_t rejected;         /* of SENT: spans it will not keep */
	struct toll_slice message; /* the destination's words, borrowed from the reply */
};

/* size: encoded bytes of the request. */
struct toll_otlp_out_verdict toll_otlp_out_verdict(const struct toll_grpc_reply *r, size_t size);

const char *toll_otlp_out_status_name(int grpc_status); /* "UNAVAILABLE" */

#endif
