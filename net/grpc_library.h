/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_library.h - what server and client share of gRPC C core: its life, its log, its clock. */
#ifndef TOLL_NET_GRPC_LIBRARY_H
#define TOLL_NET_GRPC_LIBRARY_H

#include <grpc/grpc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Counted: core's threads live from the first to the last. */
void toll_grpc_library_ref(void);
void toll_grpc_library_unref(void); /* waits for core's own clean-up after the last */

/* What core itself has to say at level error; NULL (the default): nobody wants it. Any thread. */
void toll_grpc_library_set_log(void (*sink)(const char *text));

gpr_timespec toll_grpc_in(uint64_t ns); /* now + ns, monotonic; UINT64_MAX: never */

/* Copies a message out of core's pieces; out has room for toll_grpc_buffer_size(). NULL is empty.
 */
size_t toll_grpc_buffer_size(const grpc_byte_buffer *b);
void toll_grpc_buffer_copy(const grpc_byte_buffer *b, char *out);
grpc_byte_buffer *toll_grpc_buffer_of(struct toll_slice bytes);
/* Not copied: malloc'ed, freed with the last reference. */
grpc_byte_buffer *toll_grpc_buffer_take(char *take_bytes, size_t size,
                                        grpc_compression_algorithm packed);

/* Core carries a tag from the thread that starts a batch to the one that hears of its end, with
 * atomics that ThreadSanitizer does not see. These say the same where it does. */
static inline void toll_grpc_give(atomic_bool *baton)
{
	atomic_store_explicit(baton, true, memory_order_release);
}

static inline void toll_grpc_got(atomic_bool *baton)
{
	(void)atomic_load_explicit(baton, memory_order_acquire);
}

static inline struct toll_slice toll_grpc_view(const grpc_slice *s)
{
	return toll_slice(GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

#endif
