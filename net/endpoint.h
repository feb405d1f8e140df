/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - "host:port" as users write it: parse, print, listen. */
#ifndef TOLL_NET_ENDPOINT_H
#define TOLL_NET_ENDPOINT_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_HOST_MAX     255
#define TOLL_ENDPOINT_MAX (TOLL_HOST_MAX + 16)

struct toll_endpoint {
	char host[TOLL_HOST_MAX + 1]; /* no brackets; "": every interface */
	uint16_t port;                /* 0: the system chooses a free one */
};

/* "localhost:8888", "0.0.0.0:8888", "[::1]:8888", ":8888". A bare IPv6 address is refused, because
 * its last group would be taken for the port. TOLL_EINVALID with a sentence. */
int toll_endpoint_parse(struct toll_slice text, struct toll_endpoint *ret,
                        struct toll_error *reterr) TOLL_MUST_CHECK;

/* The form that parse reads; returns buf. */
const char *toll_endpoint_print(const struct toll_endpoint *e, char buf[TOLL_ENDPOINT_MAX]);

/* The host to use in a URL for this machine: what is bound everywhere is reached as 127.0.0.1. */
const char *toll_endpoint_local_url(const struct toll_endpoint *e, char buf[TOLL_ENDPOINT_MAX]);

/* A listening, non-blocking, close-on-exec TCP socket. A name is looked up and its first IPv4
 * address taken ("localhost" is 127.0.0.1, as in the Collector). setting: the YAML path that chose
 * the endpoint; the sentence on failure names both. *ret_port: the port in use. Where the same
 * setting listens there already (a reload), a duplicate of that socket. */
int toll_endpoint_listen(const struct toll_endpoint *e, const char *setting, int *ret_fd,
                         uint16_t *ret_port, struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
