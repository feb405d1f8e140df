/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/otlp_schema.h"

/* clang-format off */
const struct toll_otlp_field toll_otlp_schema[TOLL_OTLP_MESSAGE_COUNT][TOLL_OTLP_MAX_FIELDS] = {
#define ANY_FIELD(n, type, child, repeated, name) { n, TOLL_OTLP_##type, child, repeated, sizeof(name) - 1, name }
#define FIELD(n, type, name) ANY_FIELD(n, type, 0, false, name)
#define MANY(n, type, name) ANY_FIELD(n, type, 0, true, name)
#define ENUM(n, child, name) ANY_FIELD(n, ENUM, TOLL_OTLP_##child, false, name)
#define ONE_OF(n, child, name) ANY_FIELD(n, MESSAGE, TOLL_OTLP_##child, false, name)
#define MANY_OF(n, child, name) ANY_FIELD(n, MESSAGE, TOLL_OTLP_##child, true, name)
	[TOLL_OTLP_REQUEST] = { MANY_OF(1, RESOURCE_SPANS, "resourceSpans") },
	[TOLL_OTLP_RESOURCE_SPANS] = { ONE_OF(1, RESOURCE, "resource"),
		MANY_OF(2, SCOPE_SPANS, "scopeSpans"), FIELD(3, STRING, "schemaUrl") },
	[TOLL_OTLP_RESOURCE] = { MANY_OF(1, KEY_VALUE, "attributes"),
		FIELD(2, UINT32, "droppedAttributesCount"), MANY_OF(3, ENTITY_REF, "entityRefs") },
	[TOLL_OTLP_SCOPE_SPANS] = { ONE_OF(1, SCOPE, "scope"), MANY_OF(2, SPAN, "spans"),
		FIELD(3, STRING, "schemaUrl") },
	[TOLL_OTLP_SCOPE] = { FIELD(1, STRING, "name"), FIELD(2, STRING, "version"),
		MANY_OF(3, KEY_VALUE, "attributes"), FIELD(4, UINT32, "droppedAttributesCount") },
	[TOLL_OTLP_SPAN] = { FIELD(1, HEX, "traceId"), FIELD(2, HEX, "spanId"),
		FIELD(3, STRING, "traceState"), FIELD(4, HEX, "parentSpanId"), FIELD(16, FIXED32, "flags"),
		FIELD(5, STRING, "name"), ENUM(6, SPAN_KIND, "kind"),
		FIELD(7, FIXED64, "startTimeUnixNano"), FIELD(8, FIXED64, "endTimeUnixNano"),
		MANY_OF(9, KEY_VALUE, "attributes"), FIELD(10, UINT32, "droppedAttributesCount"),
		MANY_OF(11, EVENT, "events"), FIELD(12, UINT32, "droppedEventsCount"),
		MANY_OF(13, LINK, "links"), FIELD(14, UINT32, "droppedLinksCount"),
		ONE_OF(15, STATUS, "status") },
	[TOLL_OTLP_EVENT] = { FIELD(1, FIXED64, "timeUnixNano"), FIELD(2, STRING, "name"),
		MANY_OF(3, KEY_VALUE, "attributes"), FIELD(4, UINT32, "droppedAttributesCount") },
	[TOLL_OTLP_LINK] = { FIELD(1, HEX, "traceId"), FIELD(2, HEX, "spanId"),
		FIELD(3, STRING, "traceState"), MANY_OF(4, KEY_VALUE, "attributes"),
		FIELD(5, UINT32, "droppedAttributesCount"), FIELD(6, FIXED32, "flags") },
	[TOLL_OTLP_STATUS] = { FIELD(2, STRING, "message"), ENUM(3, STATUS_CODE, "code") },
	[TOLL_OTLP_KEY_VALUE] = { FIELD(1, STRING, "key"), ONE_OF(2, ANY_VALUE, "value") },
	[TOLL_OTLP_ANY_VALUE] = { FIELD(1, STRING, "stringValue"), FIELD(2, BOOL, "boolValue"),
		FIELD(3, INT64, "intValue"), FIELD(4, DOUBLE, "doubleValue"),
		ONE_OF(5, ARRAY, "arrayValue"), ONE_OF(6, KVLIST, "kvlistValue"),
		FIELD(7, BASE64, "bytesValue") },
	[TOLL_OTLP_ARRAY] = { MANY_OF(1, ANY_VALUE, "values") },
	[TOLL_OTLP_KVLIST] = { MANY_OF(1, KEY_VALUE, "values") },
	[TOLL_OTLP_ENTITY_REF] = { FIELD(1, STRING, "schemaUrl"), FIELD(2, STRING, "type"),
		MANY(3, STRING, "idKeys"), MANY(4, STRING, "descriptionKeys") },
	[TOLL_OTLP_RESPONSE] = { ONE_OF(1, PARTIAL_SUCCESS, "partialSuccess") },
	[TOLL_OTLP_PARTIAL_SUCCESS] = { FIELD(1, INT64, "rejectedSpans"),
		FIELD(2, STRING, "errorMessage") },
	[TOLL_OTLP_RPC_STATUS] = { FIELD(1, INT64, "code"), FIELD(2, STRING, "message") },
};
/* clang-format on */

const uint8_t toll_otlp_wire_types[] = {
	[TOLL_OTLP_MESSAGE] = TOLL_WIRE_BYTES,   [TOLL_OTLP_STRING] = TOLL_WIRE_BYTES,
	[TOLL_OTLP_HEX] = TOLL_WIRE_BYTES,       [TOLL_OTLP_BASE64] = TOLL_WIRE_BYTES,
	[TOLL_OTLP_ENUM] = TOLL_WIRE_VARINT,     [TOLL_OTLP_UINT32] = TOLL_WIRE_VARINT,
	[TOLL_OTLP_INT64] = TOLL_WIRE_VARINT,    [TOLL_OTLP_BOOL] = TOLL_WIRE_VARINT,
	[TOLL_OTLP_FIXED64] = TOLL_WIRE_FIXED64, [TOLL_OTLP_FIXED32] = TOLL_WIRE_FIXED32,
	[TOLL_OTLP_DOUBLE] = TOLL_WIRE_FIXED64,
};

const char *const toll_otlp_enum_names[TOLL_OTLP_ENUM_COUNT][7] = {
	[TOLL_OTLP_SPAN_KIND] = { "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
	                          "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER" },
	[TOLL_OTLP_STATUS_CODE] = { "STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR" },
};
