/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server_core.c - what core is told of a server: limits, memory, what it is not to do. */
#include "net/grpc_server_private.h"

#include <grpc/compression.h>
#include <stdlib.h>

#include "net/grpc_args.h"

enum { MAX_METADATA = 16 << 10 };

static void add_limits(struct toll_grpc_args *a, const struct toll_grpc_server_settings *set)
{
	toll_grpc_add_int(a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
	                  toll_grpc_int(set->max_message_bytes));
	toll_grpc_add_int(a, GRPC_ARG_MAX_METADATA_SIZE, MAX_METADATA);
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONCURRENT_STREAMS, toll_grpc_int(set->max_streams));
	toll_grpc_add_int(a, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
	                  toll_grpc_ms(set->handshake_timeout_ns));
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONNECTION_IDLE_MS,
	                  toll_grpc_ms(set->max_connection_idle_ns));
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONNECTION_AGE_MS,
	                  toll_grpc_ms(set->max_connection_age_ns));
	toll_grpc_add_int(a, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
	                  toll_grpc_ms(set->max_connection_age_grace_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_TIME_MS, toll_grpc_ms(set->keepalive_time_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
	                  toll_grpc_ms(set->keepalive_timeout_ns));
	toll_grpc_add_int(a, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
	                  toll_grpc_ms(set->keepalive_min_time_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS,
	                  set->keepalive_permit_without_stream);
}

static void add_behaviour(struct toll_grpc_args *a, const struct toll_grpc_server_settings *set)
{
	/* For the server that a reload puts in our place. Another process is found out by
	 * toll_grpc_open_port(). */
	toll_grpc_add_int(a, GRPC_ARG_ALLOW_REUSEPORT, 1);
	/* A bomb would inflate before core looks at its size. */
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
	/* No answer is compressed: without its filter every call is a microsecond cheaper. */
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
	/* Others are refused by core, with the list of these. */
	toll_grpc_add_int(a, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
	                  1 << GRPC_COMPRESS_NONE | 1 << GRPC_COMPRESS_GZIP);
	toll_grpc_add_int(a, GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE,
	                  toll_grpc_int(set->read_buffer_bytes));
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_CHANNELZ, 0);
	if (set->quick) {
		toll_grpc_add_int(a, GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0);
		toll_grpc_add_int(a, GRPC_ARG_HTTP2_BDP_PROBE, 0);
	}
}

void toll_grpc_prefer_own_polls(void)
{
	if (!grpc_is_initialized())
		setenv("GRPC_POLL_STRATEGY", "poll", 0);
}

void toll_grpc_make_core(struct toll_grpc_server *s)
{
	struct toll_grpc_args a = { .count = 0 };
	grpc_channel_args args;

	add_limits(&a, &s->set);
	add_behaviour(&a, &s->set);
	if (s->set.memory_bytes) {
		static char quota_key[] = GRPC_ARG_RESOURCE_QUOTA;

		s->quota = grpc_resource_quota_create(s->set.setting);
		grpc_resource_quota_resize(s->quota, s->set.memory_bytes);
		a.list[a.count++] =
			(grpc_arg){ GRPC_ARG_POINTER,
			            quota_key,
			            { .pointer = { s->quota, grpc_resource_quota_arg_vtable() } } };
	}
	args = (grpc_channel_args){ a.count, a.list };
	s->core = grpc_server_create(&args, NULL);
	for (unsigned i = 0; i < s->set.workers; i++) {
		s->workers[i].queue = grpc_completion_queue_create_for_next(NULL);
		grpc_server_register_completion_queue(s->core, s->workers[i].queue, NULL);
	}
}
