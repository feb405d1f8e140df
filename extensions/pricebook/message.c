/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/pricebook/message.h"

#include <stdlib.h>

#include "proto/wire.h"

/* Field numbers: proto/pricing.proto. */
enum {
	VERSION = TOLL_TAG(1, TOLL_WIRE_BYTES),
	DOCUMENT = TOLL_TAG(2, TOLL_WIRE_BYTES),
	AGE = TOLL_TAG(3, TOLL_WIRE_VARINT),
	DOCUMENT_NAME = TOLL_TAG(1, TOLL_WIRE_BYTES),
	DOCUMENT_TEXT = TOLL_TAG(2, TOLL_WIRE_BYTES),
};

static int read_document(struct toll_price_message *m, struct toll_slice bytes)
{
	struct toll_reader r = toll_reader_of(bytes);
	struct toll_slice name = { NULL, 0 }, text = { NULL, 0 };
	uint32_t tag;

	while (r.at < r.end) {
		bool ok = toll_read_tag(&r, &tag);

		if (ok && tag == DOCUMENT_NAME)
			ok = toll_read_bytes(&r, &name);
		else if (ok && tag == DOCUMENT_TEXT)
			ok = toll_read_bytes(&r, &text);
		else
			ok = ok && toll_read_skip(&r, tag);
		if (!ok)
			return TOLL_EINVALID;
	}
	if (!m->edition)
		m->edition = toll_edition_new();
	return m->edition ? toll_edition_add_copy(m->edition, name, text) : TOLL_ENOMEM;
}

static int read_version(struct toll_price_message *m, struct toll_slice text)
{
	if (text.len >= sizeof(m->version) || (text.len && memchr(text.ptr, '\0', text.len)))
		return TOLL_EINVALID;
	memcpy(m->version, text.ptr, text.len);
	m->version[text.len] = '\0';
	return 0;
}

static int read_field(struct toll_reader *r, struct toll_price_message *m)
{
	struct toll_slice bytes = { NULL, 0 };
	uint32_t tag;

	if (!toll_read_tag(r, &tag))
		return TOLL_EINVALID;
	if (tag == AGE)
		return toll_read_varint(r, &m->age_ns) ? 0 : TOLL_EINVALID;
	if (tag != VERSION && tag != DOCUMENT)
		return toll_read_skip(r, tag) ? 0 : TOLL_EINVALID;
	if (!toll_read_bytes(r, &bytes))
		return TOLL_EINVALID;
	return tag == VERSION ? read_version(m, bytes) : read_document(m, bytes);
}

static int tell(int err, struct toll_error *reterr)
{
	return toll_fail(reterr, err, "the price service sent something else than a price book: %s",
	                 toll_err_text(err));
}

int toll_price_message_read(struct toll_slice message, struct toll_price_message *ret,
                            struct toll_error *reterr)
{
	struct toll_reader r = toll_reader_of(message);
	int err = 0;

	*ret = (struct toll_price_message){ .version = "" };
	while (r.at < r.end && !err)
		err = read_field(&r, ret);
	if (err) {
		ret->edition = toll_edition_unref(ret->edition);
		return tell(err, reterr);
	}
	if (!ret->edition || strcmp(ret->edition->version, ret->version) == 0)
		return 0;
	ret->edition = toll_edition_unref(ret->edition);
	return toll_fail(reterr, TOLL_EINVALID,
	                 "the price service calls these documents by another version than theirs");
}
