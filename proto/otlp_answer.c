/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/otlp_answer.h"

#include "proto/wire.h"

#define NS_PER_S UINT64_C(1000000000)

#define RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"

/* The next field; false at the end and where the message is malformed. Of a number field *number is
 * set, of a length-delimited one *bytes. */
static bool next_field(struct toll_reader *r, uint32_t *tag, struct toll_slice *bytes,
                       uint64_t *number)
{
	*bytes = toll_slice("", 0);
	*number = 0;
	if (r->at >= r->end || !toll_read_tag(r, tag))
		return false;
	switch (*tag & 7) {
	case TOLL_WIRE_BYTES:
		return toll_read_bytes(r, bytes);
	case TOLL_WIRE_VARINT:
		return toll_read_varint(r, number);
	default:
		return toll_read_skip(r, *tag);
	}
}

static void read_partial(struct toll_slice partial, struct toll_otlp_answer *ret)
{
	struct toll_reader r = toll_reader_of(partial);
	struct toll_slice bytes;
	uint64_t number;
	uint32_t tag;

	while (next_field(&r, &tag, &bytes, &number)) {
		if (tag == TOLL_TAG(1, TOLL_WIRE_VARINT))
			ret->rejected = number > INT64_MAX ? 0 : number;
		else if (tag == TOLL_TAG(2, TOLL_WIRE_BYTES))
			ret->message = bytes;
	}
}

struct toll_otlp_answer toll_otlp_answer_read(struct toll_slice response)
{
	struct toll_otlp_answer answer = { 0, TOLL_SLICE("") };
	struct toll_reader r = toll_reader_of(response);
	struct toll_slice bytes;
	uint64_t number;
	uint32_t tag;

	while (next_field(&r, &tag, &bytes, &number))
		if (tag == TOLL_TAG(1, TOLL_WIRE_BYTES))
			read_partial(bytes, &answer);
	return answer;
}

/* Duration { int64 seconds = 1; int32 nanos = 2 } */
static uint64_t read_duration(struct toll_slice duration)
{
	struct toll_reader r = toll_reader_of(duration);
	struct toll_slice bytes;
	uint64_t number, seconds = 0, nanos = 0;
	uint32_t tag;

	while (next_field(&r, &tag, &bytes, &number)) {
		if (tag == TOLL_TAG(1, TOLL_WIRE_VARINT))
			seconds = number;
		else if (tag == TOLL_TAG(2, TOLL_WIRE_VARINT))
			nanos = number;
	}
	if (seconds > INT64_MAX || nanos > INT64_MAX)
		return 0; /* negative */
	if (nanos >= NS_PER_S || seconds >= UINT64_MAX / NS_PER_S)
		return UINT64_MAX;
	return seconds * NS_PER_S + nanos;
}

static void read_retry_info(struct toll_slice info, struct toll_rpc_status *ret)
{
	struct toll_reader r = toll_reader_of(info);
	struct toll_slice bytes;
	uint64_t number;
	uint32_t tag;

	ret->has_retry_delay = true;
	while (next_field(&r, &tag, &bytes, &number))
		if (tag == TOLL_TAG(1, TOLL_WIRE_BYTES))
			ret->retry_delay_ns = read_duration(bytes);
}

/* google.protobuf.Any { string type_url = 1; bytes value = 2 } */
static void read_detail(struct toll_slice any, struct toll_rpc_status *ret)
{
	struct toll_slice type = { "", 0 }, value = { "", 0 }, bytes;
	struct toll_reader r = toll_reader_of(any);
	uint64_t number;
	uint32_t tag;

	while (next_field(&r, &tag, &bytes, &number)) {
		if (tag == TOLL_TAG(1, TOLL_WIRE_BYTES))
			type = bytes;
		else if (tag == TOLL_TAG(2, TOLL_WIRE_BYTES))
			value = bytes;
	}
	if (toll_slice_is(type, RETRY_INFO))
		read_retry_info(value, ret);
}

struct toll_rpc_status toll_rpc_status_read(struct toll_slice status)
{
	struct toll_rpc_status out = { .message = TOLL_SLICE("") };
	struct toll_reader r = toll_reader_of(status);
	struct toll_slice bytes;
	uint64_t number;
	uint32_t tag;

	while (next_field(&r, &tag, &bytes, &number)) {
		if (tag == TOLL_TAG(2, TOLL_WIRE_BYTES))
			out.message = bytes;
		else if (tag == TOLL_TAG(3, TOLL_WIRE_BYTES))
			read_detail(bytes, &out);
	}
	return out;
}

bool toll_otlp_retryable(int grpc_status, bool has_retry_delay)
{
	switch (grpc_status) {
	case 1:  /* CANCELLED */
	case 4:  /* DEADLINE_EXCEEDED */
	case 10: /* ABORTED */
	case 11: /* OUT_OF_RANGE */
	case 14: /* UNAVAILABLE */
	case 15: /* DATA_LOSS */
		return true;
	case 8: /* RESOURCE_EXHAUSTED */
		return has_retry_delay;
	default:
		return false;
	}
}
