/* SPDX-License-Identifier: Apache-2.0 */
/* ottl_eval.c - a compiled condition held against one span. */
#include <stdlib.h>

#include "proto/wire.h"
#include "transform/ottl_private.h"

struct run {
	const struct toll_ottl *o;
	const struct toll_batch *b;
	const struct toll_span *s;
	const char *why;
	char slots[OTTL_SLOTS_MAX][TOLL_VALUE_TEXT];
};

static bool eval(struct run *r, uint16_t i, struct toll_value *ret);

static bool give_up(struct run *r, const char *why)
{
	r->why = why;
	return false;
}

/* ---- paths ---- */

static struct toll_value text_value(struct toll_slice s)
{
	return (struct toll_value){ .type = TOLL_VALUE_STRING, .bytes = s };
}

static struct toll_value int_value(int64_t v)
{
	return (struct toll_value){ .type = TOLL_VALUE_INT, .integer = v };
}

static struct toll_value bool_value(bool v)
{
	return (struct toll_value){ .type = TOLL_VALUE_BOOL, .integer = v };
}

/* Absent and empty are nil. */
static struct toll_value attribute(const struct toll_node *n, const struct ottl_node *path)
{
	const struct toll_attr *a = path->key_id == TOLL_KEY_OTHER
	                                    ? toll_node_find_name(n, path->key)
	                                    : toll_node_find(n, path->key_id);

	return a ? toll_value_decode(toll_attr_value(a))
	         : (struct toll_value){ .type = TOLL_VALUE_NONE };
}

/* id NULL: no parent, "". */
static struct toll_value hex_value(const uint8_t *id, size_t len, char *slot)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; id && i < len; i++) {
		slot[2 * i] = digits[id[i] >> 4];
		slot[2 * i + 1] = digits[id[i] & 15];
	}
	return text_value(toll_slice(slot, id ? 2 * len : 0));
}

/* As pdata's SpanKind.String(). */
static struct toll_value kind_value(uint8_t kind)
{
	static const char *const names[] = { "Unspecified", "Internal", "Server",
		                             "Client",      "Producer", "Consumer" };

	return text_value(toll_slice_str(names[kind < TOLL_COUNT(names) ? kind : 0]));
}

/* Span: status is field 15, its message field 2. Scope: name 1, version 2. */
static struct toll_value path_value(struct run *r, const struct ottl_node *n)
{
	const struct toll_span *s = r->s;
	const struct toll_node *scope = &r->b->scopes[s->scope].node;

	switch ((enum ottl_path)n->op) {
	case OTTL_PATH_ATTRIBUTES:
		return attribute(&s->node, n);
	case OTTL_PATH_RESOURCE_ATTRIBUTES:
		return attribute(&r->b->resources[s->resource].node, n);
	case OTTL_PATH_SCOPE_ATTRIBUTES:
	case OTTL_PATH_SCOPE_ATTRIBUTES_SHORT:
		return attribute(scope, n);
	case OTTL_PATH_NAME:
		return text_value(s->name);
	case OTTL_PATH_KIND:
		return int_value(s->kind);
	case OTTL_PATH_KIND_STRING:
		return kind_value(s->kind);
	case OTTL_PATH_STATUS_CODE:
		return int_value(s->status);
	case OTTL_PATH_STATUS_MESSAGE:
		return text_value(toll_message_field(toll_message_field(s->node.raw, 15), 2));
	case OTTL_PATH_TRACE_ID:
		return hex_value(s->trace_id, 16, r->slots[n->slot]);
	case OTTL_PATH_SPAN_ID:
		return hex_value(s->span_id, 8, r->slots[n->slot]);
	case OTTL_PATH_PARENT_SPAN_ID:
		return hex_value(s->parent_span_id, 8, r->slots[n->slot]);
	case OTTL_PATH_TRACE_STATE:
		return text_value(s->trace_state);
	case OTTL_PATH_START_TIME:
		return int_value((int64_t)s->start_unix_nano);
	case OTTL_PATH_END_TIME:
		return int_value((int64_t)s->end_unix_nano);
	case OTTL_PATH_SCOPE_NAME:
	case OTTL_PATH_SCOPE_NAME_SHORT:
		return text_value(toll_message_field(scope->raw, 1));
	case OTTL_PATH_SCOPE_VERSION:
	case OTTL_PATH_SCOPE_VERSION_SHORT:
		return text_value(toll_message_field(scope->raw, 2));
	case OTTL_PATH_COUNT:
		break;
	}
	return (struct toll_value){ .type = TOLL_VALUE_NONE };
}

/* ---- comparison: values of different types are not equal, and that is all ---- */

/* order: below, equal to or above 0. */
static bool holds(enum ottl_compare op, int order)
{
	switch (op) {
	case OTTL_EQ:
		return order == 0;
	case OTTL_NE:
		return order != 0;
	case OTTL_LT:
		return order < 0;
	case OTTL_LE:
		return order <= 0;
	case OTTL_GE:
		return order >= 0;
	default:
		return order > 0;
	}
}

static int order_bytes(struct toll_slice a, struct toll_slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_number(const struct toll_value *v)
{
	return v->type == TOLL_VALUE_INT || v->type == TOLL_VALUE_DOUBLE;
}

static double as_double(const struct toll_value *v)
{
	return v->type == TOLL_VALUE_INT ? (double)v->integer : v->number;
}

static bool compare_doubles(enum ottl_compare op, double a, double b)
{
	/* NaN is not equal to anything, and not more or less. */
	if (!(a < b) && !(a > b) && !(a == b))
		return op == OTTL_NE;
	return holds(op, (a > b) - (a < b));
}

static bool compare(enum ottl_compare op, const struct toll_value *a, const struct toll_value *b)
{
	if (is_number(a) && is_number(b)) {
		if (a->type == TOLL_VALUE_INT && b->type == TOLL_VALUE_INT)
			return holds(op, (a->integer > b->integer) - (a->integer < b->integer));
		return compare_doubles(op, as_double(a), as_double(b));
	}
	if (a->type != b->type)
		return op == OTTL_NE;
	switch (a->type) {
	case TOLL_VALUE_NONE:
		return holds(op, 0);
	case TOLL_VALUE_BOOL:
		return holds(op, (int)(a->integer - b->integer));
	case TOLL_VALUE_STRING:
	case TOLL_VALUE_BYTES:
		return holds(op, order_bytes(a->bytes, b->bytes));
	default: /* lists and maps have no order */
		return op == OTTL_EQ   ? toll_slice_eq(a->bytes, b->bytes)
		       : op == OTTL_NE ? !toll_slice_eq(a->bytes, b->bytes)
		                       : false;
	}
}

/* ---- arithmetic ---- */

/* Wraps around, as Go's. */
static bool math_ints(struct run *r, char op, int64_t a, int64_t b, struct toll_value *ret)
{
	uint64_t x = (uint64_t)a, y = (uint64_t)b;

	if (op == '/' && (b == 0 || (a == INT64_MIN && b == -1)))
		return give_up(r, "division by zero or out of range");
	*ret = int_value(op == '+'   ? (int64_t)(x + y)
	                 : op == '-' ? (int64_t)(x - y)
	                 : op == '*' ? (int64_t)(x * y)
	                             : a / b);
	return true;
}

static bool math_doubles(struct run *r, char op, double a, double b, struct toll_value *ret)
{
	if (op == '/' && b == 0)
		return give_up(r, "division by zero");
	*ret = (struct toll_value){ .type = TOLL_VALUE_DOUBLE,
		                    .number = op == '+'   ? a + b
		                              : op == '-' ? a - b
		                              : op == '*' ? a * b
		                                          : a / b };
	return true;
}

static bool math(struct run *r, const struct ottl_node *n, struct toll_value *ret)
{
	struct toll_value a, b;

	if (!eval(r, n->a, &a) || !eval(r, n->b, &b))
		return false;
	if (!is_number(&a) || a.type != b.type)
		return give_up(r, "arithmetic needs two ints or two floats");
	return a.type == TOLL_VALUE_INT ? math_ints(r, (char)n->op, a.integer, b.integer, ret)
	                                : math_doubles(r, (char)n->op, a.number, b.number, ret);
}

/* ---- functions ---- */

static bool is_match(struct run *r, const struct ottl_node *n, const struct toll_value *v,
                     struct toll_value *ret)
{
	struct toll_slice text = toll_value_text(v, r->slots[n->slot]);

	/* nil matches nothing; lists, maps and bytes are not turned into text. */
	*ret = bool_value(text.ptr && toll_regex_match(n->regex, text));
	return true;
}

static bool has_end(struct run *r, bool prefix, const struct toll_value *v,
                    const struct toll_value *end, struct toll_value *ret)
{
	size_t from;

	if (v->type != TOLL_VALUE_STRING || end->type != TOLL_VALUE_STRING)
		return give_up(r, "HasPrefix and HasSuffix need a text");
	from = prefix ? 0 : v->bytes.len - end->bytes.len;
	*ret = bool_value(end->bytes.len <= v->bytes.len &&
	                  (!end->bytes.len ||
	                   memcmp(v->bytes.ptr + from, end->bytes.ptr, end->bytes.len) == 0));
	return true;
}

static int64_t count_elements(struct toll_slice list)
{
	struct toll_reader rd = toll_reader_of(list);
	uint32_t tag;
	int64_t count = 0;

	while (rd.at < rd.end && toll_read_tag(&rd, &tag) && toll_read_skip(&rd, tag))
		count += tag == TOLL_TAG(1, TOLL_WIRE_BYTES);
	return count;
}

static bool length(struct run *r, const struct toll_value *v, struct toll_value *ret)
{
	switch (v->type) {
	case TOLL_VALUE_STRING:
	case TOLL_VALUE_BYTES:
		*ret = int_value((int64_t)v->bytes.len);
		return true;
	case TOLL_VALUE_ARRAY:
	case TOLL_VALUE_KVLIST:
		*ret = int_value(count_elements(v->bytes));
		return true;
	default:
		return give_up(r, "Len needs a text, a list or a map");
	}
}

static bool call(struct run *r, const struct ottl_node *n, struct toll_value *ret)
{
	unsigned args = ottl_function_args((enum ottl_function)n->op);
	struct toll_value a = { 0 }, b = { 0 };

	if ((args > 0 && !eval(r, n->a, &a)) || (args > 1 && !eval(r, n->b, &b)))
		return false;
	switch ((enum ottl_function)n->op) {
	case OTTL_IS_MATCH:
		return is_match(r, n, &a, ret);
	case OTTL_HAS_PREFIX:
	case OTTL_HAS_SUFFIX:
		return has_end(r, n->op == OTTL_HAS_PREFIX, &a, &b, ret);
	case OTTL_LEN:
		return length(r, &a, ret);
	case OTTL_IS_STRING:
		*ret = bool_value(a.type == TOLL_VALUE_STRING);
		return true;
	case OTTL_IS_INT:
		*ret = bool_value(a.type == TOLL_VALUE_INT);
		return true;
	case OTTL_IS_DOUBLE:
		*ret = bool_value(a.type == TOLL_VALUE_DOUBLE);
		return true;
	case OTTL_IS_BOOL:
		*ret = bool_value(a.type == TOLL_VALUE_BOOL);
		return true;
	default:
		*ret = bool_value(r->s->parent_span_id == NULL);
		return true;
	}
}

/* ---- all of it ---- */

static bool join(struct run *r, const struct ottl_node *n, struct toll_value *ret)
{
	if (!eval(r, n->a, ret))
		return false;
	if (n->kind == OTTL_NOT) {
		*ret = bool_value(!ret->integer);
		return true;
	}
	/* The second is asked only if it decides. */
	return (n->kind == OTTL_AND) == (ret->integer != 0) ? eval(r, n->b, ret) : true;
}

/* No deeper than there are nodes. */
static bool eval(struct run *r, uint16_t i, struct toll_value *ret)
{
	const struct ottl_node *n = &r->o->nodes[i];
	struct toll_value a, b;

	switch ((enum ottl_kind)n->kind) {
	case OTTL_CONSTANT:
		*ret = n->value;
		return true;
	case OTTL_PATH:
		*ret = path_value(r, n);
		return true;
	case OTTL_CALL:
		return call(r, n, ret);
	case OTTL_MATH:
		return math(r, n, ret);
	case OTTL_COMPARE:
		if (!eval(r, n->a, &a) || !eval(r, n->b, &b))
			return false;
		*ret = bool_value(compare((enum ottl_compare)n->op, &a, &b));
		return true;
	default:
		return join(r, n, ret);
	}
}

enum toll_ottl_result toll_ottl_eval(const struct toll_ottl *o, const struct toll_batch *b,
                                     const struct toll_span *s, const char **ret_why)
{
	struct run r TOLL_UNINITIALIZED;
	struct toll_value v;

	r.o = o;
	r.b = b;
	r.s = s;
	if (eval(&r, o->root, &v))
		return v.integer ? TOLL_OTTL_TRUE : TOLL_OTTL_FALSE;
	if (ret_why)
		*ret_why = r.why;
	return TOLL_OTTL_ERROR;
}
