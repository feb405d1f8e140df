/* SPDX-License-Identifier: Apache-2.0 */
/* What does a span cost from a sealed batch to an acknowledged Kafka message? All threads of this
 * process: encoding, our sender, librdkafka. The (mock) broker is another process.
 *
 *   bench_kafka [SPANS] [BROKER]     a real broker needs the topic bench-spans */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "exporters/kafka/sender.h"
#include "tests/support/shop.h"

enum { IN_FLIGHT = 256, PER_REQUEST = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards free_at, free_count, failed */
static pthread_cond_t room = PTHREAD_COND_INITIALIZER;
static struct toll_delivery deliveries[IN_FLIGHT], *free_at[IN_FLIGHT];
static int free_count, failed;

static void on_done(struct toll_delivery *d, int err)
{
	pthread_mutex_lock(&lock);
	failed += err != 0;
	free_at[free_count++] = d;
	pthread_cond_signal(&room);
	pthread_mutex_unlock(&lock);
}

static struct toll_delivery *take(void)
{
	struct toll_delivery *d;

	pthread_mutex_lock(&lock);
	while (!free_count)
		pthread_cond_wait(&room, &lock);
	d = free_at[--free_count];
	pthread_mutex_unlock(&lock);
	return d;
}

static void wait_all(void)
{
	pthread_mutex_lock(&lock);
	while (free_count < IN_FLIGHT)
		pthread_cond_wait(&room, &lock);
	pthread_mutex_unlock(&lock);
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* A broker in a process of its own, so that its work is not counted. */
static pid_t start_mock(char *ret_address, size_t size)
{
	int ends[2];
	pid_t child;
	ssize_t n;

	if (pipe(ends) != 0)
		exit(1);
	child = fork();
	if (child == 0) {
		rd_kafka_conf_t *conf = rd_kafka_conf_new();
		rd_kafka_mock_cluster_t *cluster;
		const char *address;
		char why[64];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rd_kafka_conf_set(conf, "log_level", "0", why, sizeof(why));
		cluster = rd_kafka_mock_cluster_new(
			rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why)), 1);
		rd_kafka_mock_topic_create(cluster, "bench-spans", 12, 1);
		address = rd_kafka_mock_cluster_bootstraps(cluster);
		if (write(ends[1], address, strlen(address)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	n = read(ends[0], ret_address, size - 1);
	ret_address[n > 0 ? n : 0] = '\0';
	return child;
}

static void measure(const char *name, const struct toll_kafka_config *config, long spans)
{
	struct toll_stats stats = { 0 };
	struct toll_component component = { .who = "exporter/kafka", .stats = &stats };
	struct toll_kafka_sender_settings set = { config, &component,
		                                  "0123456789abcdef0123456789abcdef", on_done };
	struct toll_kafka_sender *sender;
	struct toll_batch *b = batch_of_request(shop_request(PER_REQUEST));
	struct toll_part part = { b, 0, b->span_count };
	uint64_t began = 0;
	double cpu = 0;

	for (uint32_t i = 0; i < b->span_count; i++) {
		b->spans[i].operation = TOLL_SLICE("/api/v2/users/*/orders/*");
		b->spans[i].cost_state = TOLL_COST_PRICED;
		b->spans[i].cost_pico = 40000 + i;
	}
	b->price_version = "2026-11-21";
	toll_batch_seal(b);
	if (toll_kafka_sender_new(&set, &sender, NULL) != 0 || toll_kafka_sender_start(sender) != 0)
		exit(1);
	for (long sent = 0, warm = spans / 10; sent < spans + warm; sent += PER_REQUEST) {
		struct toll_delivery *d = take();

		if (sent >= warm && !began) {
			began = toll_clock_mono_ns();
			cpu = cpu_us();
		}
		*d = (struct toll_delivery){ &part, 1, b->kept_count, 0, 0 };
		if (toll_kafka_sender_send(sender, d) != 0)
			exit(1);
	}
	wait_all();
	printf("kafka_%s\t%.0f\tns CPU/span\t%.0f spans/s\t%d failed\n", name,
	       (cpu_us() - cpu) * 1000 / (double)spans,
	       (double)spans * 1e9 / (double)(toll_clock_mono_ns() - began), failed);
	toll_kafka_sender_stop(sender, toll_clock_mono_ns() + TOLL_S);
	toll_kafka_sender_free(sender);
	toll_batch_unref(b);
}

int main(int argc, char **argv)
{
	long spans = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
	char address[128] = "";
	pid_t mock = argc > 2 ? 0 : start_mock(address, sizeof(address));
	struct toll_slice broker = toll_slice_str(argc > 2 ? argv[2] : address);
	struct toll_kafka_config config = {
		.brokers = { &broker, 1 },
		.topic = TOLL_SLICE("bench-spans"),
		.headers = true,
		.topic_partitions = 12,
		.producer = { .max_message_bytes = 1000000,
		              .required_acks = -1,
		              .compression = 3,
		              .linger = 10 * TOLL_MS,
		              .flush_max_messages = 10000,
		              .compression_params = { -1 },
		              .max_buffered_bytes = 8 << 20 },
		.metadata = { .refresh_interval = 600 * TOLL_S },
	};

	for (int i = 0; i < IN_FLIGHT; i++)
		free_at[free_count++] = &deliveries[i];
	measure("json", &config, spans);
	config.headers = false;
	measure("json_without_headers", &config, spans);
	config.headers = true;
	config.encoding = TOLL_KAFKA_OTLP_PROTO;
	measure("otlp_proto", &config, spans);
	config.encoding = TOLL_KAFKA_OTLP_JSON;
	measure("otlp_json", &config, spans);
	if (mock)
		kill(mock, SIGKILL);
	return failed != 0;
}
