/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - the four messages of Envoy's rate limit and authorization services, as far as budgets
 * need them.
 *
 * Reading: one pass, bounds-checked, into views of the message; nothing is allocated and nothing is
 * unpacked recursively (a CheckRequest may carry google.protobuf.Struct, nested as deep as its
 * sender likes). Unknown fields, and known ones of another wire type, are skipped.
 *
 * Field numbers, from Envoy's data-plane API v3:
 *   envoy/service/ratelimit/v3/rls.proto
 *     RateLimitRequest        domain 1, descriptors 2
 *     RateLimitResponse       overall_code 1, statuses 2, response_headers_to_add 3, raw_body 5
 *     DescriptorStatus        code 1, duration_until_reset 4; Code: OK 1, OVER_LIMIT 2
 *   envoy/extensions/common/ratelimit/v3/ratelimit.proto
 *     RateLimitDescriptor     entries 1; Entry: key 1, value 2
 *   envoy/service/auth/v3/external_auth.proto
 *     CheckRequest            attributes 1
 *     CheckResponse           status 1, denied_response 2
 *     DeniedHttpResponse      status 1, headers 2, body 3
 *   envoy/service/auth/v3/attribute_context.proto
 *     AttributeContext        destination 2, request 4, context_extensions 10
 *     Peer                    service 2, principal 4
 *     Request                 http 2
 *     HttpRequest             headers 3, header_map 13
 *   envoy/config/core/v3/base.proto
 *     HeaderMap               headers 1
 *     HeaderValue             key 1, value 2, raw_value 3
 *     HeaderValueOption       header 1, append_action 3 (OVERWRITE_IF_EXISTS_OR_ADD 2)
 *   envoy/type/v3/http_status.proto      HttpStatus code 1
 *   google/rpc/status.proto              Status code 1
 *   google/protobuf/duration.proto       Duration seconds 1 */
#ifndef TOLL_EXTENSIONS_ENVOY_MESSAGE_H
#define TOLL_EXTENSIONS_ENVOY_MESSAGE_H

#include <stdint.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/slice.h"

enum {
	TOLL_ENVOY_DESCRIPTORS_MAX = 64, /* of a request */
	TOLL_ENVOY_ENTRIES_MAX = 512,    /* of all its descriptors together */
	TOLL_ENVOY_EXTENSIONS_MAX = 64,  /* context_extensions */
	TOLL_ENVOY_HEADERS_MAX = 1000,   /* of the request that is checked */
	TOLL_ENVOY_WANTED_MAX = 16,      /* headers whose value is kept */
	TOLL_ENVOY_REFUSAL_HEADERS = 4,
};

struct toll_envoy_entry {
	struct toll_slice key, value;
};

struct toll_envoy_descriptor {
	uint32_t first, count; /* of entries */
};

struct toll_envoy_limit_request {
	struct toll_slice domain;
	uint32_t descriptor_count, entry_count;
	struct toll_envoy_descriptor descriptors[TOLL_ENVOY_DESCRIPTORS_MAX];
	struct toll_envoy_entry entries[TOLL_ENVOY_ENTRIES_MAX];
};

struct toll_envoy_check_request {
	uint32_t extension_count, header_count;
	struct toll_envoy_entry extensions[TOLL_ENVOY_EXTENSIONS_MAX];
	struct toll_slice headers[TOLL_ENVOY_WANTED_MAX]; /* as wanted; ptr NULL: not there */
	struct toll_slice service, principal;             /* of the destination; may be empty */
};

/* Headers to look for, in any case. */
struct toll_envoy_wanted {
	const struct toll_slice *names;
	uint32_t count; /* at most TOLL_ENVOY_WANTED_MAX */
};

/* Both fill *ret completely, with views that live as long as the message. TOLL_EINVALID: malformed;
 * TOLL_ETOOBIG: more of something than the limits above. */
int toll_envoy_read_limit(struct toll_slice message,
                          struct toll_envoy_limit_request *ret) TOLL_MUST_CHECK;
int toll_envoy_read_check(struct toll_slice message, const struct toll_envoy_wanted *wanted,
                          struct toll_envoy_check_request *ret) TOLL_MUST_CHECK;

/* What the client is told in place of what it wanted. Everything borrowed. */
struct toll_envoy_refusal {
	uint32_t status; /* HTTP; ShouldRateLimit cannot say it: there it is Envoy's setting */
	uint32_t header_count;
	struct toll_envoy_entry headers[TOLL_ENVOY_REFUSAL_HEADERS];
	struct toll_slice body;
};

struct toll_envoy_status {
	bool over;
	uint64_t reset_s; /* of one that is over */
};

/* Most that an answer takes: what is around a refusal's texts. */
#define TOLL_ENVOY_ANSWER_MAX(refusal_bytes) \
	((size_t)(refusal_bytes) +           \
	 32 * (TOLL_ENVOY_DESCRIPTORS_MAX + TOLL_ENVOY_REFUSAL_HEADERS) + 64)

/* Room that the texts of a refusal take. */
size_t toll_envoy_refusal_size(const struct toll_envoy_refusal *r);

/* Both write into room for TOLL_ENVOY_ANSWER_MAX(toll_envoy_refusal_size(r)) bytes and return the
 * end. r NULL: the request may pass. */
char *toll_envoy_write_limit(char *out, const struct toll_envoy_status *statuses, uint32_t count,
                             const struct toll_envoy_refusal *r);
char *toll_envoy_write_check(char *out, const struct toll_envoy_refusal *r);

#endif
