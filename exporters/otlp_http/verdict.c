/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp_http/verdict.h"

#include <stdio.h>
#include <strings.h>

#include "proto/otlp_answer.h"
#include "proto/otlp_json_decode.h"
#include "proto/wire.h"

/* Answers are short; what is longer is no answer of OTLP. */
#define BODY_MAX ((size_t)4096)

static bool is_type(const struct toll_http_reply *r, const char *type)
{
	return strncasecmp(r->content_type, type, strlen(type)) == 0;
}

typedef int decode_fn(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                      struct toll_error *reterr);

/* The body in protobuf, in out where it came as JSON. False: it is neither. */
static bool read_body(const struct toll_http_reply *r, decode_fn *decode, char *out,
                      struct toll_slice *ret)
{
	char text[BODY_MAX] TOLL_UNINITIALIZED;
	size_t len;

	if (!is_type(r, "application/json")) {
		*ret = r->body;
		return is_type(r, "application/x-protobuf");
	}
	if (r->body.len > BODY_MAX || r->incomplete)
		return false;
	toll_write_raw(text, r->body);
	if (decode(text, r->body.len, out, TOLL_OTLP_JSON_ROOM(BODY_MAX), &len, NULL) < 0)
		return false;
	*ret = toll_slice(out, len);
	return true;
}

static struct toll_slice keep(struct toll_otlp_http_out_words *words, struct toll_slice text)
{
	struct toll_slice cut = toll_slice_cut(text, sizeof(words->text));

	toll_write_raw(words->text, cut);
	return toll_slice(words->text, cut.len);
}

static void accepted(const struct toll_http_reply *r, struct toll_otlp_http_out_words *words,
                     struct toll_otlp_out_verdict *v)
{
	char room[TOLL_OTLP_JSON_ROOM(BODY_MAX)] TOLL_UNINITIALIZED;
	struct toll_slice body;
	struct toll_otlp_answer a;

	v->fate = TOLL_OTLP_OUT_SENT;
	v->unreadable = r->incomplete;
	if (!r->body.len || r->incomplete)
		return;
	if (!read_body(r, toll_otlp_json_decode_response, room, &body)) {
		v->unreadable = true;
		return;
	}
	a = toll_otlp_answer_read(body);
	v->rejected = a.rejected;
	v->message = keep(words, a.message);
}

/* google.rpc.Status, or whatever the proxy on the way wrote. */
static struct toll_slice read_message(const struct toll_http_reply *r,
                                      struct toll_otlp_http_out_words *words)
{
	char room[TOLL_OTLP_JSON_ROOM(BODY_MAX)] TOLL_UNINITIALIZED;
	struct toll_slice body;

	if (read_body(r, toll_otlp_json_decode_status, room, &body))
		return keep(words, toll_rpc_status_read(body).message);
	return keep(words, r->body);
}

static void refused(const struct toll_http_reply *r, struct toll_otlp_out_verdict *v)
{
	switch (r->status) {
	case 413:
		v->fate = TOLL_OTLP_OUT_TOO_LARGE;
		return;
	case 429:
		v->err = TOLL_EFULL;
		break;
	case 504:
		v->err = TOLL_ETIMEOUT;
		break;
	case 502:
	case 503:
		v->err = TOLL_EDOWN;
		break;
	default:
		v->fate = TOLL_OTLP_OUT_REFUSED;
		return;
	}
	v->fate = TOLL_OTLP_OUT_RETRY;
	v->retry_after_ns = r->retry_after_ns;
}

struct toll_otlp_out_verdict toll_otlp_http_out_verdict(const struct toll_http_reply *r,
                                                        struct toll_otlp_http_out_words *words)
{
	struct toll_otlp_out_verdict v = { .message = TOLL_SLICE("") };

	v.status = words->status;
	if (r->err) {
		snprintf(words->status, sizeof(words->status), "no answer");
		v.fate = TOLL_OTLP_OUT_RETRY;
		v.err = r->err;
		v.message = toll_slice_str(r->why);
		return v;
	}
	snprintf(words->status, sizeof(words->status), "status %d", r->status);
	if (r->status >= 200 && r->status < 300) {
		accepted(r, words, &v);
		return v;
	}
	v.message = read_message(r, words);
	refused(r, &v);
	return v;
}
