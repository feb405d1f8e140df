/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_library.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(void (*)(const char *)) log_sink;

static void on_log(gpr_log_func_args *args)
{
	void (*sink)(const char *) = atomic_load_explicit(&log_sink, memory_order_acquire);

	if (sink && args->severity == GPR_LOG_SEVERITY_ERROR)
		sink(args->message);
}

void toll_grpc_library_set_log(void (*sink)(const char *text))
{
	atomic_store_explicit(&log_sink, sink, memory_order_release);
}

void toll_grpc_library_ref(void)
{
	gpr_set_log_function(on_log); /* before init: that one logs too */
	grpc_init();
}

void toll_grpc_library_unref(void)
{
	/* Deprecated, but the only form that ends core's threads before it returns. */
	grpc_shutdown_blocking();
}

gpr_timespec toll_grpc_in(uint64_t ns)
{
	if (ns >= INT64_MAX)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	                    gpr_time_from_nanos((int64_t)ns, GPR_TIMESPAN));
}

size_t toll_grpc_buffer_size(const grpc_byte_buffer *b)
{
	const grpc_slice_buffer *pieces;

	if (!b)
		return 0;
	pieces = &b->data.raw.slice_buffer;
	return pieces->length;
}

void toll_grpc_buffer_copy(const grpc_byte_buffer *b, char *out)
{
	const grpc_slice_buffer *pieces;

	if (!b)
		return;
	pieces = &b->data.raw.slice_buffer;
	for (size_t i = 0; i < pieces->count; i++) {
		struct toll_slice piece = toll_grpc_view(&pieces->slices[i]);

		if (piece.len)
			memcpy(out, piece.ptr, piece.len);
		out += piece.len;
	}
}

grpc_byte_buffer *toll_grpc_buffer_of(struct toll_slice bytes)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(bytes.ptr, bytes.len);
	grpc_byte_buffer *b = grpc_raw_byte_buffer_create(&slice, 1);

	grpc_slice_unref(slice);
	return b;
}

grpc_byte_buffer *toll_grpc_buffer_take(char *take_bytes, size_t size,
                                        grpc_compression_algorithm packed)
{
	grpc_slice slice = grpc_slice_new(take_bytes, size, free);
	grpc_byte_buffer *b = packed == GRPC_COMPRESS_NONE
	                              ? grpc_raw_byte_buffer_create(&slice, 1)
	                              : grpc_raw_compressed_byte_buffer_create(&slice, 1, packed);

	grpc_slice_unref(slice);
	return b;
}
