/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_channel.h - a client's channel: where to, how secured, how kept alive. For grpc_client.c. */
#ifndef TOLL_NET_GRPC_CHANNEL_H
#define TOLL_NET_GRPC_CHANNEL_H

#include <grpc/grpc.h>

#include "net/grpc_client.h"

/* Connects at the first call. NULL: core refuses what it was given. */
grpc_channel *toll_grpc_channel_open(const struct toll_grpc_client_settings *set);

#endif
