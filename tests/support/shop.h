/* SPDX-License-Identifier: Apache-2.0 */
/* shop.h - the request that benchmarks use: ~470 bytes and 12 attributes per span, 20 services. */
#ifndef TOLL_TESTS_SUPPORT_SHOP_H
#define TOLL_TESTS_SUPPORT_SHOP_H

#include <stdio.h>

#include "tests/support/otlp.h"

static inline struct msg *shop_span(uint64_t i)
{
	struct msg *s = span_new("GET /api/v2/users/{id}/orders/{order}", i, 1000000 + i * 997);
	char text[64];

	msg_bytes(s, 4, &(uint64_t){ i + 77 }, 8);
	msg_attr_str(s, 9, "http.request.method", "GET");
	snprintf(text, sizeof(text), "/api/v2/users/%llu/orders/%llu",
	         (unsigned long long)(i * 31 % 9973), (unsigned long long)(i * 17 % 99991));
	msg_attr_str(s, 9, "url.path", text);
	msg_attr_str(s, 9, "url.scheme", "https");
	msg_attr_str(s, 9, "server.address", "shop.example.com");
	msg_attr_int(s, 9, "server.port", 443);
	msg_attr_int(s, 9, "http.response.status_code", 200);
	msg_attr_str(s, 9, "network.protocol.version", "1.1");
	msg_attr_str(s, 9, "user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)");
	msg_attr_str(s, 9, "client.address", "203.0.113.17");
	msg_attr_str(s, 9, "app.feature", "order-history");
	msg_attr_str(s, 9, "tenant.id", "acme");
	msg_attr_int(s, 9, "thread.id", 42);
	return s;
}

/* `spans` spans over at most 20 services, one resource each. */
static inline struct msg *shop_request(uint64_t spans)
{
	struct msg *req = msg_new();
	uint64_t services = spans < 20 ? spans : 20, n = 0;

	for (uint64_t r = 0; r < services; r++) {
		struct msg *rs = msg_new(), *ss = scope_spans_new("io.opentelemetry.http"), *res;
		char name[32];

		snprintf(name, sizeof(name), "service-%02llu", (unsigned long long)r);
		res = resource_new(name);
		msg_attr_str(res, 1, "service.version", "4f3c2d1e");
		msg_attr_str(res, 1, "deployment.environment.name", "production");
		for (; n < spans * (r + 1) / services; n++)
			msg_add(ss, 2, shop_span(n));
		msg_add(rs, 1, res);
		msg_add(rs, 2, ss);
		msg_add(req, 1, rs);
	}
	return req;
}

#endif
