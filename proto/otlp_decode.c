/* SPDX-License-Identifier: Apache-2.0 */
/* Two walks: the first hops over the top three levels, checks the envelope and counts; the second
 * fills arrays of exactly that size. Attributes go into blocks, a span's own always side by side.
 */
#include "proto/otlp_decode.h"

#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/key.h"
#include "proto/nesting.h"
#include "proto/wire.h"

#define LEN(field) TOLL_TAG(field, TOLL_WIRE_BYTES)

enum {
	/* ExportTraceServiceRequest, ResourceSpans, ScopeSpans */
	RESOURCE_SPANS = LEN(1),
	RESOURCE = LEN(1),
	SCOPE_SPANS = LEN(2),
	SCOPE = LEN(1),
	SPANS = LEN(2),
	/* attributes of Resource, InstrumentationScope, Span */
	RESOURCE_ATTRS = LEN(1),
	SCOPE_ATTRS = LEN(3),
	SPAN_ATTRS = LEN(9),
	/* KeyValue, AnyValue */
	KEY = LEN(1),
	VALUE = LEN(2),
	ARRAY_VALUE = LEN(5),
	KVLIST_VALUE = LEN(6),
};

/* Free views behind a span's own, so that adding an attribute or four moves nothing. */
enum { SPARE_ATTRS = 4, ATTR_BLOCK = 256 };

struct decoder {
	struct toll_batch *b;
	const struct toll_key_table *keys;
	struct toll_attr *attr_next, *attr_end; /* free views of the current block */
	uint32_t attr_total;
	bool own;        /* our own encoding: limits of clients do not apply */
	const char *why; /* of a refusal */
};

static int refuse(struct decoder *d, int err, const char *why)
{
	d->why = why;
	return err;
}

/* ---- first walk: count ---- */

static int count_spans(struct decoder *d, struct toll_slice scope_spans)
{
	struct toll_reader r = toll_reader_of(scope_spans);
	struct toll_slice body;
	uint32_t tag;

	while (r.at < r.end) {
		if (!toll_read_tag(&r, &tag))
			return refuse(d, TOLL_EINVALID, "malformed ScopeSpans");
		if (tag == SPANS) {
			if (!toll_read_bytes(&r, &body))
				return refuse(d, TOLL_EINVALID, "truncated Span");
			if (++d->b->span_count > TOLL_MAX_SPANS)
				return refuse(d, TOLL_EINVALID,
				              "more than 100000 spans in one request");
		} else if (!toll_read_skip(&r, tag)) {
			return refuse(d, TOLL_EINVALID, "malformed ScopeSpans");
		}
	}
	return 0;
}

static int count_scopes(struct decoder *d, struct toll_slice resource_spans)
{
	struct toll_reader r = toll_reader_of(resource_spans);
	struct toll_slice body;
	uint32_t tag;
	int err;

	while (r.at < r.end) {
		if (!toll_read_tag(&r, &tag))
			return refuse(d, TOLL_EINVALID, "malformed ResourceSpans");
		if (tag != SCOPE_SPANS) {
			if (!toll_read_skip(&r, tag))
				return refuse(d, TOLL_EINVALID, "malformed ResourceSpans");
			continue;
		}
		if (!toll_read_bytes(&r, &body))
			return refuse(d, TOLL_EINVALID, "truncated ScopeSpans");
		if (++d->b->scope_count > TOLL_MAX_SCOPES)
			return refuse(d, TOLL_EINVALID, "more than 10000 scopes in one request");
		err = count_spans(d, body);
		if (err)
			return err;
	}
	return 0;
}

static int count_all(struct decoder *d)
{
	struct toll_reader r = toll_reader_of(d->b->wire);
	struct toll_slice body;
	uint32_t tag;
	int err;

	while (r.at < r.end) {
		if (!toll_read_tag(&r, &tag))
			return refuse(d, TOLL_EINVALID, "malformed ExportTraceServiceRequest");
		if (tag != RESOURCE_SPANS) {
			if (!toll_read_skip(&r, tag))
				return refuse(d, TOLL_EINVALID,
				              "malformed ExportTraceServiceRequest");
			continue;
		}
		if (!toll_read_bytes(&r, &body))
			return refuse(d, TOLL_EINVALID, "truncated ResourceSpans");
		if (++d->b->resource_count > TOLL_MAX_RESOURCES)
			return refuse(d, TOLL_EINVALID, "more than 10000 resources in one request");
		err = count_scopes(d, body);
		if (err)
			return err;
	}
	return 0;
}

/* ---- second walk: attributes ---- */

/* A new block; the views of the node that is being read move there, to stay side by side. */
static int new_attr_block(struct decoder *d, struct toll_node *n)
{
	uint32_t size = n->attr_count * 2 + ATTR_BLOCK;
	struct toll_attr *block = toll_arena_new(&d->b->arena, struct toll_attr, size);

	if (!block)
		return d->b->arena.err;
	if (n->attr_count)
		memcpy(block, n->attrs, n->attr_count * sizeof(*block));
	n->attrs = block;
	d->attr_next = block + n->attr_count;
	d->attr_end = block + size;
	return 0;
}

/* Scalars are checked here; whatever nests goes to toll_check_nesting(). */
static int check_value(struct toll_slice value)
{
	struct toll_reader r = toll_reader_of(value);
	uint32_t tag;

	/* A short string, which most values are: tag, length byte, and nothing behind it. */
	if (value.len >= 2 && value.ptr[0] == LEN(1) && (uint8_t)value.ptr[1] < 0x80 &&
	    (uint8_t)value.ptr[1] == value.len - 2)
		return 0;
	while (r.at < r.end) {
		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if (tag == ARRAY_VALUE || tag == KVLIST_VALUE)
			return toll_check_nesting(TOLL_MESSAGE_ANY_VALUE, value);
		if (!toll_read_skip(&r, tag))
			return TOLL_EINVALID;
	}
	return 0;
}

static int read_key_value(struct toll_attr *a, struct toll_slice body)
{
	struct toll_reader r = toll_reader_of(body);
	struct toll_slice s;
	uint32_t tag;
	int err = 0;

	while (r.at < r.end) {
		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if (tag == KEY) {
			if (!toll_read_bytes(&r, &s))
				return TOLL_EINVALID;
			a->key_at = (uint32_t)(s.ptr - a->element);
			a->key_len = (uint32_t)s.len;
		} else if (tag == VALUE) {
			if (!toll_read_bytes(&r, &s))
				return TOLL_EINVALID;
			a->value_at = (uint32_t)(s.ptr - a->element);
			a->value_len = (uint32_t)s.len;
			err = check_value(s);
		} else if (!toll_read_skip(&r, tag)) {
			return TOLL_EINVALID;
		}
		if (err)
			return err;
	}
	return 0;
}

/* start: the tag of the field whose body comes next in r. */
static int add_attr(struct decoder *d, struct toll_node *n, struct toll_reader *r,
                    const char *start)
{
	struct toll_slice body;
	struct toll_attr *a;
	int err;

	if (!toll_read_bytes(r, &body))
		return TOLL_EINVALID;
	if (toll_unlikely(d->attr_next == d->attr_end)) {
		err = new_attr_block(d, n);
		if (err)
			return err;
	}
	a = d->attr_next;
	*a = (struct toll_attr){ .element = start, .element_len = (uint32_t)(r->at - start) };
	err = read_key_value(a, body);
	if (err)
		return err;
	a->key_id = toll_key_classify(d->keys, toll_attr_key(a));
	n->known |= toll_key_bit(a->key_id);
	n->attr_count++;
	d->attr_next++;
	return 0;
}

static void begin_node(struct decoder *d, struct toll_node *n, struct toll_slice element,
                       struct toll_slice raw, uint8_t field_tag, uint8_t attr_tag)
{
	n->element = element;
	n->raw = raw;
	n->field_tag = field_tag;
	n->attr_tag = attr_tag;
	n->attrs = d->attr_next;
}

static int end_node(struct decoder *d, struct toll_node *n)
{
	ptrdiff_t spare = d->attr_end - d->attr_next;

	if (spare > SPARE_ATTRS)
		spare = SPARE_ATTRS;
	n->attr_room = n->attr_count + (uint32_t)spare;
	if (spare) /* no block yet: NULL */
		d->attr_next += spare;
	d->attr_total += n->attr_count;
	if (d->attr_total > TOLL_MAX_ATTRS && !d->own)
		return refuse(d, TOLL_EINVALID, "more than 1000000 attributes in one request");
	return 0;
}

/* Resource or InstrumentationScope: nothing but attributes is of interest. */
static int read_node(struct decoder *d, struct toll_node *n, const char *what)
{
	struct toll_reader r = toll_reader_of(n->raw);
	uint32_t tag;
	int err = 0;

	while (r.at < r.end && !err) {
		const char *start = r.at;

		if (!toll_read_tag(&r, &tag))
			return refuse(d, TOLL_EINVALID, what);
		if (tag == n->attr_tag)
			err = add_attr(d, n, &r, start);
		else if (!toll_read_skip(&r, tag))
			err = TOLL_EINVALID;
	}
	if (err == TOLL_EINVALID || err == TOLL_ETOOBIG)
		return refuse(d, err, d->b->arena.err ? NULL : what);
	return err ? err : end_node(d, n);
}

/* ---- second walk: spans ---- */

static void read_status(struct toll_span *s, struct toll_slice body, int *err)
{
	struct toll_reader r = toll_reader_of(body);
	uint64_t code;
	uint32_t tag;

	while (r.at < r.end) {
		if (!toll_read_tag(&r, &tag)) {
			*err = TOLL_EINVALID;
			return;
		}
		if (tag == TOLL_TAG(3, TOLL_WIRE_VARINT)) {
			if (!toll_read_varint(&r, &code)) {
				*err = TOLL_EINVALID;
				return;
			}
			s->status = code > 2 ? 0 : (uint8_t)code;
		} else if (!toll_read_skip(&r, tag)) {
			*err = TOLL_EINVALID;
			return;
		}
	}
}

static const uint8_t *id_of(struct toll_slice bytes, size_t want)
{
	const uint8_t *id = (const uint8_t *)bytes.ptr;
	uint8_t any = 0;

	if (bytes.len != want)
		return NULL;
	for (size_t i = 0; i < want; i++)
		any |= id[i];
	return any ? id : NULL;
}

/* Length-delimited fields other than attributes. */
static int read_span_bytes(struct toll_span *s, struct toll_reader *r, uint32_t tag)
{
	struct toll_slice body;
	int err = 0;

	if (!toll_read_bytes(r, &body))
		return TOLL_EINVALID;
	switch (tag) {
	case LEN(1):
		s->trace_id = id_of(body, 16);
		break;
	case LEN(2):
		s->span_id = id_of(body, 8);
		break;
	case LEN(3):
		s->trace_state = body;
		break;
	case LEN(4):
		s->parent_span_id = id_of(body, 8);
		break;
	case LEN(5):
		s->name = body;
		break;
	case LEN(11):
		return toll_check_nesting(TOLL_MESSAGE_EVENT, body);
	case LEN(13):
		return toll_check_nesting(TOLL_MESSAGE_LINK, body);
	case LEN(15):
		read_status(s, body, &err);
		return err;
	default:
		break;
	}
	return 0;
}

static bool read_span_scalar(struct toll_span *s, struct toll_reader *r, uint32_t tag)
{
	uint64_t v;

	switch (tag) {
	case TOLL_TAG(6, TOLL_WIRE_VARINT):
		if (!toll_read_varint(r, &v))
			return false;
		s->kind = v > 5 ? 0 : (uint8_t)v;
		return true;
	case TOLL_TAG(7, TOLL_WIRE_FIXED64):
		return toll_read_fixed64(r, &s->start_unix_nano);
	case TOLL_TAG(8, TOLL_WIRE_FIXED64):
		return toll_read_fixed64(r, &s->end_unix_nano);
	case TOLL_TAG(16, TOLL_WIRE_FIXED32):
		return toll_read_fixed32(r, &s->flags);
	default:
		return toll_read_skip(r, tag);
	}
}

static int read_span_fields(struct decoder *d, struct toll_span *s)
{
	struct toll_reader r = toll_reader_of(s->node.raw);
	uint32_t tag;
	int err = 0;

	while (r.at < r.end && !err) {
		const char *start = r.at;

		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if (tag == SPAN_ATTRS)
			err = add_attr(d, &s->node, &r, start);
		else if ((tag & 7) == TOLL_WIRE_BYTES)
			err = read_span_bytes(s, &r, tag);
		else if (!read_span_scalar(s, &r, tag))
			err = TOLL_EINVALID;
	}
	return err;
}

static void reject(struct toll_batch *b, struct toll_span *s, enum toll_drop why)
{
	toll_span_drop(b, s, why);
	b->dropped_count++;
}

/* A span of its own that is bad is marked; only want of memory refuses the request. */
static int read_span(struct decoder *d, struct toll_span *s)
{
	int err = read_span_fields(d, s);

	if (err && d->b->arena.err)
		return err;
	if (err == TOLL_ETOOBIG)
		reject(d->b, s, TOLL_DROP_TOO_DEEP);
	else if (err)
		reject(d->b, s, TOLL_DROP_UNDECODABLE);
	else if (!s->trace_id || !s->span_id)
		reject(d->b, s, TOLL_DROP_BAD_ID);
	return end_node(d, &s->node);
}

/* ---- second walk: envelope ---- */

/* The message's place when it is not there: nothing, at the start of what is around it. */
static void absent_node(struct toll_node *n, struct toll_slice body, uint8_t field_tag,
                        uint8_t attr_tag)
{
	*n = (struct toll_node){ .element = toll_slice(body.ptr, 0),
		                 .raw = toll_slice(body.ptr, 0),
		                 .field_tag = field_tag,
		                 .attr_tag = attr_tag };
}

/* r stands behind the tag of a Resource or InstrumentationScope that began at start. Two of them
 * would have to be merged, which nobody sends. */
static int read_node_field(struct decoder *d, struct toll_node *n, struct toll_reader *r,
                           const char *start, const char *what)
{
	struct toll_slice raw;

	if (n->element.len)
		return refuse(d, TOLL_EINVALID, "Resource or InstrumentationScope given twice");
	if (!toll_read_bytes(r, &raw))
		return refuse(d, TOLL_EINVALID, what);
	begin_node(d, n, toll_slice(start, (size_t)(r->at - start)), raw, n->field_tag,
	           n->attr_tag);
	return read_node(d, n, what);
}

/* r stands behind the tag of a Span that began at start. */
static int read_span_field(struct decoder *d, struct toll_span *s, struct toll_reader *r,
                           const char *start)
{
	struct toll_slice raw;

	if (!toll_read_bytes(r, &raw))
		return TOLL_EINVALID;
	begin_node(d, &s->node, toll_slice(start, (size_t)(r->at - start)), raw, SPANS, SPAN_ATTRS);
	return read_span(d, s);
}

static int read_scope(struct decoder *d, struct toll_scope *sc, uint32_t index,
                      uint32_t *span_index)
{
	struct toll_reader r = toll_reader_of(sc->body);
	uint32_t tag;
	int err = 0;

	absent_node(&sc->node, sc->body, SCOPE, SCOPE_ATTRS);
	sc->span_first = *span_index;
	sc->other_len = (uint32_t)sc->body.len;
	while (r.at < r.end && !err) {
		const char *start = r.at;

		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if (tag == SPANS) {
			struct toll_span *s = &d->b->spans[(*span_index)++];

			*s = (struct toll_span){ .resource = sc->resource,
				                 .scope = index,
				                 .adjusted_count = 1 };
			err = read_span_field(d, s, &r, start);
			sc->other_len -= (uint32_t)s->node.element.len;
		} else if (tag == SCOPE) {
			err = read_node_field(d, &sc->node, &r, start,
			                      "malformed InstrumentationScope");
		} else if (!toll_read_skip(&r, tag)) {
			err = TOLL_EINVALID;
		}
	}
	sc->span_count = *span_index - sc->span_first;
	return err;
}

/* r stands behind the tag of a ScopeSpans that began at start. */
static int read_scope_field(struct decoder *d, struct toll_scope *sc, uint32_t index,
                            struct toll_reader *r, const char *start, uint32_t *span_index)
{
	if (!toll_read_bytes(r, &sc->body))
		return TOLL_EINVALID;
	sc->element = toll_slice(start, (size_t)(r->at - start));
	return read_scope(d, sc, index, span_index);
}

static int read_resource(struct decoder *d, struct toll_resource *res, uint32_t index,
                         uint32_t *scope_index, uint32_t *span_index)
{
	struct toll_reader r = toll_reader_of(res->body);
	uint32_t tag;
	int err = 0;

	absent_node(&res->node, res->body, RESOURCE, RESOURCE_ATTRS);
	res->scope_first = *scope_index;
	res->span_first = *span_index;
	res->other_len = (uint32_t)res->body.len;
	while (r.at < r.end && !err) {
		const char *start = r.at;

		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if (tag == SCOPE_SPANS) {
			struct toll_scope *sc = &d->b->scopes[*scope_index];

			*sc = (struct toll_scope){ .resource = index };
			err = read_scope_field(d, sc, (*scope_index)++, &r, start, span_index);
			res->other_len -= (uint32_t)sc->element.len;
		} else if (tag == RESOURCE) {
			err = read_node_field(d, &res->node, &r, start, "malformed Resource");
		} else if (!toll_read_skip(&r, tag)) {
			err = TOLL_EINVALID;
		}
	}
	res->scope_count = *scope_index - res->scope_first;
	res->span_count = *span_index - res->span_first;
	toll_resource_changed(res);
	return err;
}

static int read_all(struct decoder *d)
{
	struct toll_reader r = toll_reader_of(d->b->wire);
	uint32_t tag, resource = 0, scope = 0, span = 0;
	int err = 0;

	while (r.at < r.end && !err) {
		const char *start = r.at;
		struct toll_slice body;

		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if (tag != RESOURCE_SPANS) {
			err = toll_read_skip(&r, tag) ? 0 : TOLL_EINVALID;
			continue;
		}
		if (!toll_read_bytes(&r, &body))
			return TOLL_EINVALID;
		d->b->resources[resource] = (struct toll_resource){
			.element = toll_slice(start, (size_t)(r.at - start)), .body = body
		};
		err = read_resource(d, &d->b->resources[resource], resource, &scope, &span);
		resource++;
	}
	return err;
}

static int allocate(struct decoder *d)
{
	struct toll_batch *b = d->b;

	b->resources = toll_arena_new(&b->arena, struct toll_resource, b->resource_count);
	b->scopes = toll_arena_new(&b->arena, struct toll_scope, b->scope_count);
	b->spans = toll_arena_new(&b->arena, struct toll_span, b->span_count);
	b->kept_count = b->span_count;
	return b->resources && b->scopes && b->spans ? 0 : b->arena.err;
}

static void allow_edits(struct decoder *d)
{
	struct toll_batch *b = d->b;

	b->arena.limit = b->arena.held + b->kept_count * TOLL_EDIT_BYTES_PER_SPAN +
	                 (size_t)d->attr_total * 2 * sizeof(struct toll_attr) + b->wire.len +
	                 TOLL_EDIT_BYTES;
}

static int decode(struct decoder *d)
{
	int err = allocate(d);

	if (!err)
		err = read_all(d);
	return err ? err : toll_batch_account(d->b);
}

int toll_otlp_decode(struct toll_batch *b, const char **ret_why)
{
	struct decoder d = { .b = b, .keys = toll_key_table() };
	int err = count_all(&d);

	if (!err)
		err = decode(&d);
	if (err == TOLL_ETOOBIG && b->arena.err)
		err = refuse(&d, TOLL_EINVALID,
		             "more spans and attributes than a request of its size holds");
	else if (err == TOLL_ETOOBIG)
		err = TOLL_EINVALID;
	if (ret_why)
		*ret_why = d.why ? d.why : toll_err_text(err);
	if (!err)
		allow_edits(&d);
	return err;
}

/* What the views can take at most: an attribute has two bytes, and blocks of views at worst hold
 * four times what is in them. */
static size_t views_bound(const struct toll_batch *b)
{
	size_t spare = SPARE_ATTRS * sizeof(struct toll_attr);

	return b->wire.len / 2 * 4 * sizeof(struct toll_attr) +
	       b->resource_count * (sizeof(struct toll_resource) + spare) +
	       b->scope_count * (sizeof(struct toll_scope) + spare) +
	       b->span_count * (sizeof(struct toll_span) + spare) + 4 * TOLL_VIEWS_BYTES;
}

int toll_otlp_decode_own(struct toll_batch *b)
{
	struct decoder d = { .b = b, .keys = toll_key_table(), .own = true };
	int err = count_all(&d);

	if (!err) {
		toll_batch_allow(b, views_bound(b));
		err = decode(&d);
	}
	if (!err)
		allow_edits(&d);
	return err == TOLL_ETOOBIG ? TOLL_EINVALID : err;
}
