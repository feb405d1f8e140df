/* SPDX-License-Identifier: Apache-2.0 */
/* redis_listen - prints the messages of a channel: the other end of test_redis_listener.py.
 *
 * usage: redis_listen HOST:PORT CHANNEL TIMEOUT_MS
 * out: "listening", "message TEXT", "silence" once per 100 ms without one, "down WHY" and the end
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/redis_listener.h"

static int listen_on(struct toll_redis_listener *l)
{
	struct toll_slice message;
	int rc = toll_redis_listen(l);

	if (!rc)
		puts("listening");
	while (!rc || rc == 1) {
		fflush(stdout);
		rc = toll_redis_listener_next(l, 100 * TOLL_MS, &message);
		if (rc == 1)
			printf("message %.*s\n", TOLL_FMT(message));
		else if (rc == 0)
			puts("silence");
	}
	printf("down %s\n", toll_redis_listener_why(l));
	return 0;
}

int main(int argc, char **argv)
{
	struct toll_redis_settings set = { .username = TOLL_SLICE(""), .password = TOLL_SLICE("") };
	struct toll_redis_listener *l;
	struct toll_slice endpoint;

	if (argc != 4)
		return 2;
	endpoint = toll_slice_str(argv[1]);
	set.endpoints = &endpoint;
	set.endpoint_count = 1;
	set.timeout_ns = strtoull(argv[3], NULL, 10) * TOLL_MS;
	l = toll_redis_listener_new(&set, argv[2]);
	if (!l)
		return 1;
	listen_on(l);
	toll_redis_listener_free(l);
	return 0;
}
