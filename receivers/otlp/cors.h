/* SPDX-License-Identifier: Apache-2.0 */
/* cors.h - which web pages may send spans: Cross-Origin Resource Sharing, as the Collector's
 * settings describe it. Protocol: Fetch standard, "CORS protocol". */
#ifndef TOLL_RECEIVERS_OTLP_CORS_H
#define TOLL_RECEIVERS_OTLP_CORS_H

#include "config/schema.h"
#include "net/http_server.h"

struct toll_otlp_cors_config {
	/* A scheme://host[:port] with at most one * in it, or * alone: any page. None: CORS is off.
	 */
	struct toll_slice_list allowed_origins;
	struct toll_slice_list allowed_headers; /* * alone: any; those that SDKs need always */
	struct toll_slice_list exposed_headers;
	int64_t max_age; /* seconds; 0: the browser's default; -1: never */
};

/* Made of the settings once. */
struct toll_otlp_cors {
	const struct toll_otlp_cors_config *config; /* borrowed */
	char *exposed;                              /* header value, or NULL */
	char max_age[24];
};

int toll_otlp_cors_init(struct toll_otlp_cors *c,
                        const struct toll_otlp_cors_config *config) TOLL_MUST_CHECK;
void toll_otlp_cors_release(struct toll_otlp_cors *c);

static inline bool toll_otlp_cors_on(const struct toll_otlp_cors *c)
{
	return c->config->allowed_origins.count > 0;
}

/* Header values as sent, NULL where absent; they must outlive the response. */
struct toll_otlp_preflight {
	const char *origin, *method, *headers;
};

/* The answer to OPTIONS with Access-Control-Request-Method: 204, and the permission if it is given.
 */
void toll_otlp_cors_preflight(const struct toll_otlp_cors *c, const struct toll_otlp_preflight *p,
                              struct toll_http_response *r);
/* What any other answer says; origin may be NULL. */
void toll_otlp_cors_answer(const struct toll_otlp_cors *c, const char *origin,
                           struct toll_http_response *r);

bool toll_otlp_cors_origin(const struct toll_slice_list *allowed, struct toll_slice origin);
/* A comma-separated list of names: are all of them allowed? */
bool toll_otlp_cors_headers(const struct toll_slice_list *allowed, struct toll_slice names);

#endif
