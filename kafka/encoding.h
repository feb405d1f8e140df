/* SPDX-License-Identifier: Apache-2.0 */
/* encoding.h - what a message is. */
#ifndef TOLL_KAFKA_ENCODING_H
#define TOLL_KAFKA_ENCODING_H

#include <stdbool.h>

#include "base/slice.h"

enum toll_kafka_encoding {
	TOLL_KAFKA_JSON = 0,   /* a span: the flat cost record (proto/cost_record.h) */
	TOLL_KAFKA_OTLP_JSON,  /* ExportTraceServiceRequest in OTLP/JSON */
	TOLL_KAFKA_OTLP_PROTO, /* the same in protobuf */
};

extern const char *const toll_kafka_encodings[];

struct toll_slice toll_kafka_encoding_name(enum toll_kafka_encoding encoding);
bool toll_kafka_encoding_parse(struct toll_slice name, enum toll_kafka_encoding *ret);

#endif
