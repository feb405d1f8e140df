/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_args.h - the argument list that core takes for a server or a channel. */
#ifndef TOLL_NET_GRPC_ARGS_H
#define TOLL_NET_GRPC_ARGS_H

#include <assert.h>
#include <grpc/grpc.h>
#include <limits.h>

#include "base/clock.h"
#include "base/macro.h"

struct toll_grpc_args {
	grpc_arg list[32];
	size_t count;
};

/* core takes char *, and does not write to it. */
static inline char *toll_grpc_unconst(const char *text)
{
	union {
		const char *in;
		char *out;
	} u = { .in = text };

	return u.out;
}

static inline void toll_grpc_add_int(struct toll_grpc_args *a, const char *name, int value)
{
	assert(a->count < TOLL_COUNT(a->list));
	a->list[a->count++] =
		(grpc_arg){ GRPC_ARG_INTEGER, toll_grpc_unconst(name), { .integer = value } };
}

/* Borrows the text. */
static inline void toll_grpc_add_text(struct toll_grpc_args *a, const char *name, const char *text)
{
	assert(a->count < TOLL_COUNT(a->list));
	a->list[a->count++] = (grpc_arg){ GRPC_ARG_STRING,
		                          toll_grpc_unconst(name),
		                          { .string = toll_grpc_unconst(text) } };
}

static inline int toll_grpc_int(uint64_t n)
{
	return n < INT_MAX ? (int)n : INT_MAX;
}

static inline int toll_grpc_ms(uint64_t ns)
{
	return toll_grpc_int(ns / TOLL_MS + (ns % TOLL_MS != 0));
}

#endif
