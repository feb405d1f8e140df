/* SPDX-License-Identifier: Apache-2.0 */
/* receive.c - from the bytes of a request to a batch that can be decoded. */
#include "base/memory.h"
#include "pipeline/host.h"
#include "proto/batch.h"
#include "proto/otlp_json_decode.h"
#include "receivers/otlp/otlp.h"

static struct toll_memory *memory_of(const struct toll_otlp_request *r)
{
	return toll_host_memory(r->engine->receiver->super.super.host);
}

static void take(struct toll_otlp_request *r, char *out)
{
	r->engine->ops->take(r, out);
}

static int receive_plain(struct toll_otlp_request *r, size_t size, struct toll_batch **ret)
{
	char *wire;
	int err = toll_batch_new(size, memory_of(r), &wire, ret);

	if (!err)
		take(r, wire);
	return err;
}

/* ---- compressed ---- */

/* Straight into a batch's own buffer; a larger one as long as it proves too small. */
static int inflate(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                   const char *bytes, struct toll_batch **ret)
{
	struct toll_inflater *z = &r->engine->inflaters[body->worker];
	struct toll_slice packed = toll_slice(bytes, body->size);
	size_t max = r->engine->set.max_message_bytes;
	size_t room = toll_inflate_hint(body->encoding, packed, max);

	for (;;) {
		char *wire;
		size_t size;
		int err = toll_batch_new(room, memory_of(r), &wire, ret);

		if (err)
			return err;
		err = toll_inflate(z, body->encoding, packed, wire, room, &size);
		if (!err) {
			(*ret)->wire.len = size;
			return 0;
		}
		*ret = toll_batch_unref(*ret);
		if (err != TOLL_EFULL)
			return err;
		if (room == max)
			return TOLL_ETOOBIG;
		room = room > max / 4 ? max : room * 4;
	}
}

static int inflate_pieces(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                          struct toll_batch **ret)
{
	struct toll_inflater *z = &r->engine->inflaters[body->worker];
	char *bytes;
	int err = TOLL_ENOMEM;

	if (!toll_memory_charge(memory_of(r), body->size))
		return TOLL_EFULL;
	bytes = toll_inflater_body(z, body->size);
	if (bytes) {
		take(r, bytes);
		err = inflate(r, body, bytes, ret);
	}
	toll_inflater_trim(z);
	toll_memory_release(memory_of(r), body->size);
	return err;
}

static int receive_compressed(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                              struct toll_batch **ret)
{
	int err;

	if (!body->bytes)
		return inflate_pieces(r, body, ret);
	err = inflate(r, body, body->bytes, ret);
	if (!err)
		take(r, NULL);
	return err;
}

/* ---- JSON ---- */

static int transcode(struct toll_otlp_request *r, char *text, size_t len, struct toll_batch **ret,
                     struct toll_error *reterr)
{
	size_t room = TOLL_OTLP_JSON_ROOM(len);
	char *wire;
	int err = toll_batch_new(room, memory_of(r), &wire, ret);

	if (err)
		return err;
	err = toll_otlp_json_decode(text, len, wire, room, &(*ret)->wire.len, reterr);
	if (err)
		*ret = toll_batch_unref(*ret);
	return err;
}

/* Nobody else looks at them. */
static char *own_bytes(const struct toll_batch *b)
{
	union {
		const char *in;
		char *out;
	} bytes = { .in = b->wire.ptr };

	return bytes.out;
}

/* The engine has JSON bodies in one piece. */
static int receive_json(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                        struct toll_batch **ret, struct toll_error *reterr)
{
	struct toll_batch *text = NULL;
	int err;

	if (body->encoding == TOLL_ENCODING_IDENTITY) {
		err = transcode(r, body->bytes, body->size, ret, reterr);
		take(r, NULL);
		return err;
	}
	err = receive_compressed(r, body, &text);
	if (err)
		return err;
	err = transcode(r, own_bytes(text), text->wire.len, ret, reterr);
	toll_batch_unref(text);
	return err;
}

/* ---- the whole ---- */

static const char *sentence_for(const struct toll_otlp_request *r, enum toll_encoding encoding,
                                int err)
{
	static const char *const malformed[] = {
		[TOLL_ENCODING_IDENTITY] = "the body is malformed",
		[TOLL_ENCODING_GZIP] = "the body is not valid gzip",
		[TOLL_ENCODING_DEFLATE] = "the body is not valid deflate",
		[TOLL_ENCODING_ZLIB] = "the body is not valid zlib",
		[TOLL_ENCODING_ZSTD] = "the body is not valid zstd",
	};

	switch (err) {
	case TOLL_ETOOBIG:
		return r->engine->ops->too_big;
	case TOLL_EINVALID:
		return malformed[encoding];
	case TOLL_EFULL:
		return "the process is at its memory limit";
	case TOLL_EUNSUPPORTED:
		return r->engine->ops->compressed;
	default:
		return toll_err_text(err);
	}
}

int toll_otlp_receive(struct toll_otlp_request *r, const struct toll_otlp_body *body,
                      struct toll_batch **ret, struct toll_error *buf, const char **ret_why)
{
	int err = TOLL_EUNSUPPORTED;

	buf->text[0] = '\0';
	if (body->format == TOLL_OTLP_JSON)
		err = receive_json(r, body, ret, buf);
	else if (body->encoding == TOLL_ENCODING_IDENTITY)
		err = receive_plain(r, body->size, ret);
	else if (body->encoding != TOLL_ENCODING_UNKNOWN)
		err = receive_compressed(r, body, ret);
	if (!err)
		(*ret)->peer = toll_arena_strdup(&(*ret)->arena, toll_slice_str(body->peer));
	else
		*ret_why = *buf->text ? buf->text : sentence_for(r, body->encoding, err);
	return err;
}
