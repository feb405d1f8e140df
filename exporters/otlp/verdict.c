/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp/verdict.h"

#include <strings.h>

#include "base/macro.h"
#include "proto/otlp_answer.h"

enum { OK = 0, DEADLINE_EXCEEDED = 4, RESOURCE_EXHAUSTED = 8, OUT_OF_RANGE = 11 };

/* Every gRPC server takes this much unless it was told otherwise. */
#define USUAL_LIMIT ((size_t)4 << 20)

const char *toll_otlp_grpc_out_status_name(int grpc_status)
{
	static const char *const names[] = {
		"OK",
		"CANCELLED",
		"UNKNOWN",
		"INVALID_ARGUMENT",
		"DEADLINE_EXCEEDED",
		"NOT_FOUND",
		"ALREADY_EXISTS",
		"PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION",
		"ABORTED",
		"OUT_OF_RANGE",
		"UNIMPLEMENTED",
		"INTERNAL",
		"UNAVAILABLE",
		"DATA_LOSS",
		"UNAUTHENTICATED",
	};

	if (grpc_status < 0 || (size_t)grpc_status >= TOLL_COUNT(names))
		return "an unknown status";
	return names[grpc_status];
}

static bool has_words(const char *text, const char *words)
{
	size_t len = strlen(words);

	for (; *text; text++)
		if (strncasecmp(text, words, len) == 0)
			return true;
	return false;
}

/* A full quota and an over-large message have the same status. Retrying the one in pieces would
 * only load the server more, so the sentence decides: these are what gRPC says in Go, C, Node and
 * Python ("larger than max"), Java (".. exceeds maximum size"), C# (".. exceeds the maximum") and
 * Rust ("too large"; with OUT_OF_RANGE). */
static bool is_about_size(const char *text)
{
	return has_words(text, "larger than max") || has_words(text, "exceeds max") ||
	       has_words(text, "exceeds the max") || has_words(text, "too large");
}

static bool is_too_large(const struct toll_grpc_reply *r, bool has_delay, size_t size)
{
	if (r->status == RESOURCE_EXHAUSTED && !has_delay)
		return size > USUAL_LIMIT || is_about_size(r->message);
	return r->status == OUT_OF_RANGE && is_about_size(r->message);
}

static struct toll_otlp_out_verdict accepted(const struct toll_grpc_reply *r)
{
	struct toll_otlp_answer a = toll_otlp_answer_read(r->response);

	return (struct toll_otlp_out_verdict){ .fate = TOLL_OTLP_OUT_SENT,
		                               .rejected = a.rejected,
		                               .unreadable = r->unreadable,
		                               .status = "OK",
		                               .message = a.message };
}

static int error_of(int status)
{
	switch (status) {
	case DEADLINE_EXCEEDED:
		return TOLL_ETIMEOUT;
	case RESOURCE_EXHAUSTED:
		return TOLL_EFULL;
	default:
		return TOLL_EDOWN;
	}
}

struct toll_otlp_out_verdict toll_otlp_grpc_out_verdict(const struct toll_grpc_reply *r,
                                                        size_t size)
{
	struct toll_rpc_status s;
	struct toll_otlp_out_verdict v;

	if (r->status == OK)
		return accepted(r);
	s = toll_rpc_status_read(r->details);
	v = (struct toll_otlp_out_verdict){ .fate = TOLL_OTLP_OUT_REFUSED,
		                            .status = toll_otlp_grpc_out_status_name(r->status),
		                            .message = toll_slice_str(r->message) };
	if (is_too_large(r, s.has_retry_delay, size)) {
		v.fate = TOLL_OTLP_OUT_TOO_LARGE;
	} else if (toll_otlp_retryable(r->status, s.has_retry_delay)) {
		v.fate = TOLL_OTLP_OUT_RETRY;
		v.err = error_of(r->status);
		v.retry_after_ns = s.retry_delay_ns;
	}
	return v;
}
