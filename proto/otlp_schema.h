/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_schema.h - the fields of an ExportTraceServiceRequest and of its answers, for both
 * directions of OTLP/JSON. Private to proto/. Source: opentelemetry-proto v1.9. */
#ifndef TOLL_PROTO_OTLP_SCHEMA_H
#define TOLL_PROTO_OTLP_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"

enum toll_otlp_type {
	TOLL_OTLP_MESSAGE = 0,
	TOLL_OTLP_STRING,
	TOLL_OTLP_HEX,    /* bytes that OTLP/JSON writes as hex: trace and span ids */
	TOLL_OTLP_BASE64, /* all other bytes */
	TOLL_OTLP_UINT32,
	TOLL_OTLP_ENUM,
	TOLL_OTLP_INT64,
	TOLL_OTLP_BOOL,
	TOLL_OTLP_FIXED64,
	TOLL_OTLP_FIXED32,
	TOLL_OTLP_DOUBLE,
};

enum toll_otlp_message {
	TOLL_OTLP_REQUEST = 0,
	TOLL_OTLP_RESOURCE_SPANS,
	TOLL_OTLP_RESOURCE,
	TOLL_OTLP_SCOPE_SPANS,
	TOLL_OTLP_SCOPE,
	TOLL_OTLP_SPAN,
	TOLL_OTLP_EVENT,
	TOLL_OTLP_LINK,
	TOLL_OTLP_STATUS,
	TOLL_OTLP_KEY_VALUE,
	TOLL_OTLP_ANY_VALUE,
	TOLL_OTLP_ARRAY,
	TOLL_OTLP_KVLIST,
	TOLL_OTLP_ENTITY_REF,
	TOLL_OTLP_RESPONSE, /* ExportTraceServiceResponse */
	TOLL_OTLP_PARTIAL_SUCCESS,
	TOLL_OTLP_RPC_STATUS, /* google.rpc.Status, but for its details */
	TOLL_OTLP_MESSAGE_COUNT
};

enum toll_otlp_enum { TOLL_OTLP_SPAN_KIND = 0, TOLL_OTLP_STATUS_CODE, TOLL_OTLP_ENUM_COUNT };

struct toll_otlp_field {
	uint8_t number;
	uint8_t type;  /* enum toll_otlp_type */
	uint8_t child; /* of MESSAGE: enum toll_otlp_message; of ENUM: enum toll_otlp_enum */
	bool repeated; /* only types that are length-delimited */
	uint8_t name_len;
	const char *name; /* lowerCamelCase; NULL behind the last field of a message */
};

#define TOLL_OTLP_MAX_FIELDS 17

extern const struct toll_otlp_field toll_otlp_schema[TOLL_OTLP_MESSAGE_COUNT][TOLL_OTLP_MAX_FIELDS];
extern const uint8_t toll_otlp_wire_types[]; /* by enum toll_otlp_type */
/* Names of the values 0, 1, 2 ...; NULL ends. */
extern const char *const toll_otlp_enum_names[TOLL_OTLP_ENUM_COUNT][7];

static inline uint32_t toll_otlp_tag(const struct toll_otlp_field *f)
{
	return TOLL_TAG(f->number, toll_otlp_wire_types[f->type]);
}

#endif
