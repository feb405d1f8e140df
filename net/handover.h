/* SPDX-License-Identifier: Apache-2.0 */
/* handover.h - listening sockets that outlive their server: when a reload opens the same address
 * for the same setting again, the new server gets the old one's socket, so that no client is
 * refused between them. Any thread. */
#ifndef TOLL_NET_HANDOVER_H
#define TOLL_NET_HANDOVER_H

#include <stdint.h>

/* A duplicate of the listening socket that setting has open at this endpoint ("localhost:8888",
 * with a port); -1: there is none. */
int toll_handover_take(const char *setting, const char *endpoint, uint16_t port);
/* fd stays the caller's, who closes it when he likes. */
void toll_handover_offer(const char *setting, const char *endpoint, int fd);

#endif
