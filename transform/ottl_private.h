/* SPDX-License-Identifier: Apache-2.0 */
/* ottl_private.h - the compiled form: an array of nodes, children before their parents. */
#ifndef TOLL_TRANSFORM_OTTL_PRIVATE_H
#define TOLL_TRANSFORM_OTTL_PRIVATE_H

#include "proto/attr.h"
#include "transform/ottl.h"
#include "transform/regex.h"
#include "transform/value.h"

enum {
	OTTL_TEXT_MAX = 4096,
	OTTL_NODES_MAX = 256,
	OTTL_DEPTH_MAX = 64, /* brackets in brackets, and what else nests */
	OTTL_SLOTS_MAX = 16, /* places for texts that are made while evaluating (ids) */
	OTTL_ARGS_MAX = 2,
};

enum ottl_kind {
	OTTL_CONSTANT = 0,
	OTTL_PATH,
	OTTL_CALL,
	OTTL_MATH,    /* op: + - * / */
	OTTL_COMPARE, /* op: enum ottl_compare */
	OTTL_NOT,
	OTTL_AND,
	OTTL_OR,
};

enum ottl_compare { OTTL_EQ = 0, OTTL_NE, OTTL_LT, OTTL_LE, OTTL_GE, OTTL_GT };

enum ottl_path {
#define TOLL_OTTL_PATH(id, text, context) OTTL_PATH_##id,
#include "transform/ottl_paths.def"
	OTTL_PATH_COUNT
};

enum ottl_function {
#define TOLL_OTTL_FUNCTION(id, name, args, boolean) OTTL_##id,
#include "transform/ottl_functions.def"
	OTTL_FUNCTION_COUNT
};

struct ottl_node {
	uint8_t kind; /* enum ottl_kind */
	uint8_t op;   /* of MATH, COMPARE; enum ottl_path or ottl_function */
	bool boolean; /* may be an operand of and, or, not */
	uint8_t slot;
	uint16_t a, b;            /* operands or arguments */
	struct toll_value value;  /* CONSTANT */
	struct toll_slice key;    /* PATH with ["key"] */
	enum toll_key key_id;     /* OTHER: found by its name */
	struct toll_regex *regex; /* IsMatch */
};

struct toll_ottl {
	char *text; /* literals point into it or behind its end */
	struct ottl_node nodes[OTTL_NODES_MAX];
	uint16_t count, root;
	uint8_t slots;
};

/* ---- names (ottl_names.c) ---- */

/* text: "resource.attributes" as written. 0, or TOLL_ECONFIG with a sentence that names the
 * nearest. keyed: ["..."] follows. */
int ottl_find_path(struct toll_slice text, bool keyed, enum toll_ottl_context context,
                   enum ottl_path *ret, struct toll_error *reterr) TOLL_MUST_CHECK;
int ottl_find_enum(struct toll_slice text, int64_t *ret, struct toll_error *reterr) TOLL_MUST_CHECK;
int ottl_find_function(struct toll_slice text, enum ottl_function *ret,
                       struct toll_error *reterr) TOLL_MUST_CHECK;
unsigned ottl_function_args(enum ottl_function f);
bool ottl_function_is_boolean(enum ottl_function f);

#endif
