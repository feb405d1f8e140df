/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - an Envoy that only asks: decisions at a constant rate, each answer checked.
 *
 *   load ADDRESS check|limit RATE SECONDS CONNECTIONS
 *
 * Requests go out when their time has come, whether those before are answered or not. Every second
 * one is for a service "hot", which has to be turned away, the others for "cold", which may pass.
 * Prints name<TAB>value: answered, wrong (another answer, or none), p50, p99, p999 and max in
 * microseconds from sending to the answer. Exit status 1 when an answer was wrong. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/grpc_client.h"
#include "proto/wire.h"

#define BYTES(field) TOLL_TAG(field, TOLL_WIRE_BYTES)

enum { CONNECTIONS_MAX = 64 };

struct load;

/* One call on its way. */
struct ask {
	struct load *load;
	uint64_t sent_mono_ns, took_ns;
	bool hot;
};

struct message {
	char bytes[2048];
	size_t len;
};

struct load {
	const char *method;
	struct message hot, cold;
	char over, pass; /* how their answers begin; the second byte tells */
	struct toll_grpc_client *clients[CONNECTIONS_MAX];
	unsigned connections;
	struct ask *asks;
	atomic_uint_fast64_t answered, wrong;
};

/* ---- requests as Envoy 1.40 sends them ---- */

static void put(struct message *m, unsigned field, struct toll_slice value)
{
	m->len = (size_t)(toll_write_bytes(m->bytes + m->len, BYTES(field), value) - m->bytes);
}

static void put_message(struct message *m, unsigned field, const struct message *inner)
{
	put(m, field, toll_slice(inner->bytes, inner->len));
}

static void put_entry(struct message *m, unsigned field, const char *key, const char *value)
{
	struct message entry = { .len = 0 };

	put(&entry, 1, toll_slice_str(key));
	put(&entry, 2, toll_slice_str(value));
	put_message(m, field, &entry);
}

static void make_limit(struct message *m, const char *service)
{
	struct message descriptor = { .len = 0 };

	put_entry(&descriptor, 1, "service", service);
	put_entry(&descriptor, 1, "tenant", "acme");
	put_entry(&descriptor, 1, "request_id", "468cd1a4-1123-426b-b7ff-82cc84207d13");
	put(m, 1, TOLL_SLICE("spantoll"));
	put_message(m, 2, &descriptor);
}

static void put_headers(struct message *http)
{
	static const char *const headers[][2] = {
		{ ":authority", "shop.example" },
		{ ":path", "/api/v2/users/123/orders/456?page=2" },
		{ ":method", "GET" },
		{ ":scheme", "https" },
		{ "user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101" },
		{ "accept", "application/json,text/plain,*/*" },
		{ "accept-encoding", "gzip, deflate, br" },
		{ "accept-language", "en-US,en;q=0.5" },
		{ "x-forwarded-for", "203.0.113.7" },
		{ "x-forwarded-proto", "https" },
		{ "x-request-id", "4b172785-470b-4955-9272-70805963ff67" },
		{ "x-tenant-id", "acme" },
		{ "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
	};

	for (size_t i = 0; i < TOLL_COUNT(headers); i++)
		put_entry(http, 3, headers[i][0], headers[i][1]);
}

static void make_check(struct message *m, const char *service)
{
	struct message http = { .len = 0 }, request = { .len = 0 }, attributes = { .len = 0 };

	put(&http, 1, TOLL_SLICE("15172168154971386385"));
	put(&http, 2, TOLL_SLICE("GET"));
	put_headers(&http);
	put(&http, 4, TOLL_SLICE("/api/v2/users/123/orders/456?page=2"));
	put(&http, 10, TOLL_SLICE("HTTP/2"));
	put_message(&request, 2, &http);
	put_message(&attributes, 4, &request);
	put_entry(&attributes, 10, "service", service);
	put_message(m, 1, &attributes);
}

static void make_requests(struct load *l, bool check)
{
	if (check) {
		l->method = "/envoy.service.auth.v3.Authorization/Check";
		make_check(&l->hot, "hot");
		make_check(&l->cold, "cold");
		l->over = 2; /* length of status {code} */
		l->pass = 0; /* of status {} */
	} else {
		l->method = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
		make_limit(&l->hot, "hot");
		make_limit(&l->cold, "cold");
		l->over = 2; /* OVER_LIMIT */
		l->pass = 1; /* OK */
	}
}

/* ---- asking ---- */

static void done(void *ctx, const struct toll_grpc_reply *r)
{
	struct ask *a = ctx;
	struct load *l = a->load;

	a->took_ns = toll_clock_mono_ns() - a->sent_mono_ns;
	if (r->status || r->response.len < 2 || r->response.ptr[1] != (a->hot ? l->over : l->pass))
		atomic_fetch_add(&l->wrong, 1);
	atomic_fetch_add(&l->answered, 1);
}

static void ask(struct load *l, uint64_t i)
{
	struct ask *a = &l->asks[i];
	const struct message *m;

	*a = (struct ask){ .load = l, .hot = i % 2 == 0 };
	m = a->hot ? &l->hot : &l->cold;
	a->sent_mono_ns = toll_clock_mono_ns();
	if (toll_grpc_client_start(l->clients[i % l->connections], l->method,
	                           toll_slice(m->bytes, m->len), 5 * TOLL_S, done, a) < 0)
		abort();
}

static void sleep_until(uint64_t mono_ns)
{
	struct timespec t = { .tv_sec = (time_t)(mono_ns / TOLL_S),
		              .tv_nsec = (long)(mono_ns % TOLL_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
}

static void ask_all(struct load *l, uint64_t count, uint64_t rate)
{
	uint64_t start = toll_clock_mono_ns();

	for (uint64_t i = 0; i < count; i++) {
		sleep_until(start + i * TOLL_S / rate);
		ask(l, i);
	}
	while (atomic_load(&l->answered) < count)
		usleep(1000);
}

/* ---- telling ---- */

static int by_time(const void *a, const void *b)
{
	uint64_t x = ((const struct ask *)a)->took_ns, y = ((const struct ask *)b)->took_ns;

	return x < y ? -1 : x > y;
}

static void report(struct load *l, uint64_t count)
{
	qsort(l->asks, count, sizeof(l->asks[0]), by_time);
	printf("answered\t%llu\nwrong\t%llu\n", (unsigned long long)count,
	       (unsigned long long)atomic_load(&l->wrong));
	printf("p50\t%.0f\np99\t%.0f\n", (double)l->asks[count / 2].took_ns / 1e3,
	       (double)l->asks[count * 99 / 100].took_ns / 1e3);
	printf("p999\t%.0f\nmax\t%.0f\n", (double)l->asks[count * 999 / 1000].took_ns / 1e3,
	       (double)l->asks[count - 1].took_ns / 1e3);
}

static void connect_all(struct load *l, const char *address)
{
	for (unsigned i = 0; i < l->connections; i++) {
		char authority[16]; /* of its own: core would share one connection */
		const struct toll_grpc_client_settings set = { .target = address,
			                                       .authority = authority,
			                                       .wait_for_ready = true };
		struct toll_error error;

		snprintf(authority, sizeof(authority), "load-%u", i);
		if (toll_grpc_client_new(&set, &l->clients[i], &error) < 0) {
			fprintf(stderr, "%s\n", error.text);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static struct load l;
	uint64_t rate, count;

	if (argc != 6) {
		fprintf(stderr, "load ADDRESS check|limit RATE SECONDS CONNECTIONS\n");
		return 2;
	}
	rate = strtoull(argv[3], NULL, 10);
	count = rate * strtoull(argv[4], NULL, 10);
	l.connections = (unsigned)strtoul(argv[5], NULL, 10);
	l.asks = calloc(count + 1, sizeof(l.asks[0]));
	if (!rate || !count || !l.connections || l.connections > CONNECTIONS_MAX || !l.asks)
		return 2;
	make_requests(&l, strcmp(argv[2], "check") == 0);
	connect_all(&l, argv[1]);
	ask_all(&l, count, rate);
	report(&l, count);
	for (unsigned i = 0; i < l.connections; i++)
		toll_grpc_client_free(l.clients[i]);
	free(l.asks);
	return atomic_load(&l.wrong) ? 1 : 0;
}
