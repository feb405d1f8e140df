/* SPDX-License-Identifier: Apache-2.0 */
/* echo.c - the floor: what answering over loopback TCP costs before anybody thinks about the
 * question.
 *
 *   echo RATE SECONDS
 *
 * One thread gets 100 bytes at a time and sends them back, with one epoll_wait, one recv and one
 * send, as gRPC C core does for a call. Prints its CPU time per message in microseconds. On a
 * virtual machine most of it is waking a processor that sleeps. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { SIZE = 100 };

static _Atomic uint64_t cpu_ns, answered;

static void must(int ok)
{
	if (!ok) {
		perror("echo");
		exit(2);
	}
}

static void *serve(void *arg)
{
	const int *fd = arg;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char bytes[4096];

	must(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, *fd, &event) == 0);
	for (;;) {
		struct timespec t;
		ssize_t n;

		if (epoll_wait(epoll, &event, 1, 1000) <= 0)
			continue;
		n = recv(*fd, bytes, sizeof(bytes), 0);
		if (n <= 0)
			break;
		must(send(*fd, bytes, (size_t)n, MSG_NOSIGNAL) == n);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		atomic_store(&cpu_ns, (uint64_t)t.tv_sec * TOLL_S + (uint64_t)t.tv_nsec);
		atomic_fetch_add(&answered, (uint64_t)n);
	}
	close(epoll);
	return NULL;
}

static void *drain(void *arg)
{
	const int *fd = arg;
	char bytes[4096];

	while (recv(*fd, bytes, sizeof(bytes), 0) > 0)
		;
	return NULL;
}

static void connect_pair(int fd[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);

	must(listener >= 0 && bind(listener, (struct sockaddr *)&at, len) == 0);
	must(listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&at, &len) == 0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(fd[0], (struct sockaddr *)&at, len) == 0);
	fd[1] = accept(listener, NULL, NULL);
	must(fd[1] >= 0);
	for (int i = 0; i < 2; i++)
		must(setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
	close(listener);
}

static void send_all(int fd, uint64_t count, uint64_t rate)
{
	static const char bytes[SIZE];
	uint64_t start = toll_clock_mono_ns();

	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = start + i * TOLL_S / rate;
		struct timespec t = { (time_t)(at / TOLL_S), (long)(at % TOLL_S) };

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
			;
		must(send(fd, bytes, SIZE, MSG_NOSIGNAL) == SIZE);
	}
	while (atomic_load(&answered) < count * SIZE)
		usleep(1000);
}

int main(int argc, char **argv)
{
	uint64_t rate = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t count = argc == 3 ? rate * strtoull(argv[2], NULL, 10) : 0;
	pthread_t server, reader;
	int fd[2];

	if (!count) {
		fprintf(stderr, "echo RATE SECONDS\n");
		return 2;
	}
	connect_pair(fd);
	must(pthread_create(&server, NULL, serve, &fd[1]) == 0);
	must(pthread_create(&reader, NULL, drain, &fd[0]) == 0);
	send_all(fd[0], count, rate);
	printf("%.1f\n", (double)atomic_load(&cpu_ns) / 1e3 / (double)count);
	shutdown(fd[0], SHUT_RDWR);
	pthread_join(server, NULL);
	pthread_join(reader, NULL);
	close(fd[0]);
	close(fd[1]);
	return 0;
}
