/* SPDX-License-Identifier: Apache-2.0 */
/* detect.h - what can be found out about the place this process runs at. */
#ifndef TOLL_PROCESSORS_RESOURCEDETECTION_DETECT_H
#define TOLL_PROCESSORS_RESOURCEDETECTION_DETECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { DETECTED_MAX = 128 };

struct detected {
	struct toll_slice key, value;
};

/* In the arena; a key that is there already stays: the first detector wins. */
struct detected_list {
	struct toll_arena *arena;
	struct detected at[DETECTED_MAX];
	size_t count;
};

/* TOLL_ENOMEM; TOLL_ETOOBIG: more than DETECTED_MAX. An empty value is not added. */
int detected_add(struct detected_list *l, struct toll_slice key,
                 struct toll_slice value) TOLL_MUST_CHECK;

/* "key=value,key=value", percent-encoded, as in OTEL_RESOURCE_ATTRIBUTES. TOLL_ECONFIG: it is not
 * that. */
int detect_env(struct detected_list *l, const char *text) TOLL_MUST_CHECK;

enum detect_host_source { DETECT_HOST_DNS = 0, DETECT_HOST_OS };

/* Each returns "" where nothing can be found out. Borrowed: in buf. */
struct toll_slice detect_host_name(enum detect_host_source source, uint64_t timeout_ns, char *buf,
                                   size_t size);
struct toll_slice detect_host_id(char *buf, size_t size);
struct toll_slice detect_host_arch(char *buf, size_t size);
struct toll_slice detect_os_description(char *buf, size_t size);

#endif
