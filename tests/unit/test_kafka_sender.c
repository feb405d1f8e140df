/* SPDX-License-Identifier: Apache-2.0 */
/* The sender against librdkafka's mock cluster: what can go wrong there on demand. */
#include "exporters/kafka/sender_private.h"

#include <librdkafka/rdkafka_mock.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

enum { SPANS = 20, FEW = 5, PRODUCE = 0 /* Kafka's number of that request */ };

struct world {
	rd_kafka_t *rk;
	rd_kafka_mock_cluster_t *cluster;
	struct toll_slice broker;
	struct toll_kafka_config config;
	struct toll_stats stats;
	struct toll_component component;
	struct toll_kafka_sender *sender;
};

static _Atomic int answered, failed_answers;

static void on_done(struct toll_delivery *d TOLL_UNUSED, int err)
{
	if (err)
		failed_answers++;
	answered++;
}

static _Atomic int unreachable_lines;

/* For the whole process: a producer that was left behind logs in later tests. */
static void look_at_line(void *ctx TOLL_UNUSED, const char *line)
{
	unreachable_lines += strstr(line, "no broker can be reached") != NULL;
}

static void mock_quiet(const rd_kafka_t *rk TOLL_UNUSED, int level TOLL_UNUSED,
                       const char *fac TOLL_UNUSED, const char *text TOLL_UNUSED)
{
}

static void setup(struct world *w)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[128];

	*w = (struct world){ 0 };
	answered = failed_answers = 0;
	rd_kafka_conf_set_log_cb(conf, mock_quiet);
	w->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	assert_non_null(w->rk);
	w->cluster = rd_kafka_mock_cluster_new(w->rk, 1);
	w->broker = toll_slice_str(rd_kafka_mock_cluster_bootstraps(w->cluster));
	w->component.who = "exporter/kafka";
	w->component.stats = &w->stats;
	w->config = (struct toll_kafka_config){
		.brokers = { &w->broker, 1 },
		.topic = TOLL_SLICE("spans"),
		.headers = true,
		.topic_partitions = 4,
		.topic_replication_factor = -1,
		.producer = { .max_message_bytes = 1000000,
		              .required_acks = -1,
		              .linger = 2 * TOLL_MS,
		              .compression_params = { -1 },
		              .allow_auto_topic_creation = true,
		              .max_buffered_bytes = 1 << 20 },
		.metadata = { .refresh_interval = 600 * TOLL_S },
	};
}

static void prepare(struct world *w)
{
	struct toll_kafka_sender_settings set = { &w->config, &w->component, "epoch", on_done };
	struct toll_error why;

	assert_int_equal(toll_kafka_sender_new(&set, &w->sender, &why), 0);
}

static void start(struct world *w)
{
	prepare(w);
	assert_int_equal(toll_kafka_sender_start(w->sender), 0);
}

static void teardown(struct world *w)
{
	w->sender = toll_kafka_sender_free(w->sender);
	rd_kafka_mock_cluster_destroy(w->cluster);
	rd_kafka_destroy(w->rk);
}

/* As setup(), for who counts requests: however slow the machine is, all that is delivered at once
 * goes in one. What is sent alone waits as long each time, so it should not be many. */
static void setup_one_request(struct world *w)
{
	setup(w);
	w->config.producer.linger = TOLL_S / 2;
}

/* One delivery of one part; first: makes its span ids. */
struct cargo {
	struct toll_part part;
	struct toll_delivery delivery;
};

static struct cargo *cargo_named(const char *name, uint64_t first, uint64_t n)
{
	struct msg *list[SPANS];
	struct cargo *c = calloc(1, sizeof(*c));
	struct toll_batch *b;

	for (uint64_t i = 0; i < n; i++)
		list[i] = span_new(name, first + i, 1000);
	b = batch_of_request(request_of("shop", list, n));
	for (uint32_t i = 0; i < b->span_count; i++)
		b->spans[i].operation = b->spans[i].name;
	toll_batch_seal(b);
	c->part = (struct toll_part){ b, 0, b->span_count };
	c->delivery = (struct toll_delivery){ .parts = &c->part,
		                              .part_count = 1,
		                              .span_count = b->span_count };
	return c;
}

static struct cargo *cargo_new(uint64_t first, uint64_t n)
{
	return cargo_named("op", first, n);
}

static void cargo_free(struct cargo *c)
{
	toll_batch_unref((struct toll_batch *)(uintptr_t)c->part.batch);
	free(c);
}

static struct cargo *deliver_some(struct world *w, uint64_t first, uint64_t n)
{
	struct cargo *c = cargo_new(first, n);

	assert_int_equal(toll_kafka_sender_send(w->sender, &c->delivery), 0);
	return c;
}

static struct cargo *deliver(struct world *w, uint64_t first)
{
	return deliver_some(w, first, SPANS);
}

/* For what must not happen: whether it did within a second. */
static bool answered_soon(int n)
{
	for (int i = 0; i < 200 && answered < n; i++)
		usleep(5000);
	return answered >= n;
}

/* What lies in a topic, read with a consumer of its own. */
struct found {
	int messages, distinct;
	bool seen[1000]; /* by the first byte pair of the span id */
	char last[9000];
};

static void note(struct found *f, const rd_kafka_message_t *m)
{
	struct toll_slice text = toll_slice(m->payload, m->len);
	const char *id = memmem(text.ptr, text.len, "\"span_id\":\"", 11);
	unsigned low, high;

	f->messages++;
	assert_true(text.len < sizeof(f->last));
	memcpy(f->last, text.ptr, text.len);
	f->last[text.len] = '\0';
	assert_non_null(id);
	assert_int_equal(sscanf(id + 11, "%2x%2x", &low, &high), 2);
	low += 256 * high;
	assert_true(low < TOLL_COUNT(f->seen));
	f->distinct += !f->seen[low];
	f->seen[low] = true;
}

static struct found read_topic(struct world *w, const char *topic, int expected)
{
	struct found f = { 0 };
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(4);
	char why[128];
	rd_kafka_t *rk;

	rd_kafka_conf_set(conf, "bootstrap.servers", w->broker.ptr, why, sizeof(why));
	rd_kafka_conf_set(conf, "group.id", "test", why, sizeof(why));
	rd_kafka_conf_set_log_cb(conf, mock_quiet);
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	rd_kafka_poll_set_consumer(rk);
	for (int32_t i = 0; i < 4; i++)
		rd_kafka_topic_partition_list_add(parts, topic, i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(rk, parts);
	for (int quiet_polls = 0; quiet_polls < (f.messages < expected ? PATIENCE_S * 10 : 3);) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);

		if (m && !m->err)
			note(&f, m);
		else
			quiet_polls++;
		if (m)
			rd_kafka_message_destroy(m);
	}
	rd_kafka_topic_partition_list_destroy(parts);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return f;
}

static void delivery_is_done_when_all_is_acknowledged(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c[10];
	struct found f;

	setup(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	start(&w);
	for (uint64_t i = 0; i < 10; i++)
		c[i] = deliver(&w, i * SPANS);
	EVENTUALLY(answered >= 10);
	assert_int_equal(failed_answers, 0);
	f = read_topic(&w, "spans", 10 * SPANS);
	assert_int_equal(f.messages, 10 * SPANS);
	assert_int_equal(f.distinct, 10 * SPANS);
	teardown(&w);
	for (int i = 0; i < 10; i++)
		cargo_free(c[i]);
}

static void fatal_producer_error_loses_nothing(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c[10];
	struct found f;

	setup(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	start(&w);
	c[0] = deliver(&w, 0);
	EVENTUALLY(answered >= 1);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 1,
	                                  RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 2,
	                                  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
	                                  RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING);
	for (uint64_t i = 1; i < 10; i++)
		c[i] = deliver(&w, i * SPANS);
	EVENTUALLY(answered >= 10);
	assert_int_equal(failed_answers, 0);
	f = read_topic(&w, "spans", 10 * SPANS);
	assert_int_equal(f.distinct, 10 * SPANS);
	teardown(&w);
	for (int i = 0; i < 10; i++)
		cargo_free(c[i]);
}

static void topic_created_later_gets_everything(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;
	struct found f;

	setup(&w);
	rd_kafka_mock_topic_set_error(w.cluster, "spans", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	start(&w);
	c = deliver(&w, 0);
	assert_false(answered_soon(1));
	rd_kafka_mock_topic_set_error(w.cluster, "spans", RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	EVENTUALLY(answered >= 1);
	assert_int_equal(failed_answers, 0);
	f = read_topic(&w, "spans", SPANS);
	assert_int_equal(f.messages, SPANS);
	teardown(&w);
	cargo_free(c);
}

static void batch_refused_for_its_size_is_made_smaller(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;
	struct found f;

	setup(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 1,
	                                  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	start(&w);
	c = deliver(&w, 0);
	EVENTUALLY(answered >= 1);
	assert_int_equal(failed_answers, 0);
	f = read_topic(&w, "spans", SPANS);
	assert_int_equal(f.messages, SPANS);
	teardown(&w);
	cargo_free(c);
}

/* Brokers refuse batches: that does not prove that one message of half the limit is too large. */
static void after_a_batch_was_refused_large_messages_still_pass(void **state TOLL_UNUSED)
{
	static char name[2501];
	struct world w;
	struct cargo *c[2];

	memset(name, 'n', sizeof(name) - 1);
	setup(&w);
	w.config.producer.max_message_bytes = 4000;
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 1,
	                                  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	start(&w);
	c[0] = deliver(&w, 0);
	EVENTUALLY(answered >= 1);
	c[1] = cargo_named(name, SPANS, 1);
	assert_int_equal(toll_kafka_sender_send(w.sender, &c[1]->delivery), 0);
	EVENTUALLY(answered >= 2);
	assert_int_equal(failed_answers, 0);
	assert_int_equal(c[1]->delivery.lost_count, 0);
	assert_int_equal(toll_stat_get(&w.stats, TOLL_STAT_EXPORTER_DEAD_LETTER_SPANS), 0);
	assert_int_equal(read_topic(&w, "spans", SPANS + 1).messages, SPANS + 1);
	teardown(&w);
	cargo_free(c[0]);
	cargo_free(c[1]);
}

static void record_refused_for_good_becomes_a_dead_letter(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;
	struct found f;

	setup_one_request(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	rd_kafka_mock_topic_create(w.cluster, "spans-dlq", 4, 1);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
	start(&w);
	c = deliver_some(&w, 0, FEW);
	EVENTUALLY(answered >= 1);
	assert_int_equal(failed_answers, 0);
	assert_int_equal(c->delivery.lost_count, 0);
	f = read_topic(&w, "spans-dlq", FEW);
	assert_int_equal(f.distinct, FEW);
	assert_non_null(strstr(f.last, "\"data_base64\":\"ey"));
	assert_int_equal(toll_stat_get(&w.stats, TOLL_STAT_EXPORTER_DEAD_LETTER_SPANS), FEW);
	teardown(&w);
	cargo_free(c);
}

/* Each letter fits, a batch of them does not. */
static void dead_letters_refused_as_a_batch_are_sent_one_by_one(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;
	struct found f;

	setup_one_request(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	rd_kafka_mock_topic_create(w.cluster, "spans-dlq", 4, 1);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
	                                  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	start(&w);
	c = deliver_some(&w, 0, FEW);
	EVENTUALLY(answered >= 1);
	assert_int_equal(failed_answers, 0);
	assert_int_equal(c->delivery.lost_count, 0);
	f = read_topic(&w, "spans-dlq", FEW);
	assert_int_equal(f.messages, FEW);
	assert_int_equal(f.distinct, FEW);
	teardown(&w);
	cargo_free(c);
}

/* One letter is too large even alone: it is lost, the others are not. */
static void dead_letter_refused_alone_is_lost(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;

	setup_one_request(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	rd_kafka_mock_topic_create(w.cluster, "spans-dlq", 4, 1);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_INVALID_RECORD,
	                                  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
	                                  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	start(&w);
	c = deliver_some(&w, 0, FEW);
	EVENTUALLY(answered >= 1);
	assert_int_equal(c->delivery.lost_count, 1);
	assert_int_equal(toll_stat_get(&w.stats, TOLL_STAT_EXPORTER_DEAD_LETTER_SPANS), FEW - 1);
	teardown(&w);
	cargo_free(c);
}

static void closed_connections_are_no_trouble_while_nothing_waits(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c[2];

	setup(&w);
	unreachable_lines = 0;
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	start(&w);
	c[0] = deliver(&w, 0);
	EVENTUALLY(answered >= 1);
	rd_kafka_mock_broker_set_down(w.cluster, 1);
	usleep(1500000);
	assert_int_equal(unreachable_lines, 0);
	c[1] = deliver(&w, SPANS);
	EVENTUALLY(unreachable_lines);
	assert_int_equal(unreachable_lines, 1);
	rd_kafka_mock_broker_set_up(w.cluster, 1);
	EVENTUALLY(answered >= 2);
	teardown(&w);
	cargo_free(c[0]);
	cargo_free(c[1]);
}

/* Is its thread in a call that may last? */
static bool is_away(struct toll_kafka_sender *s)
{
	bool away;

	pthread_mutex_lock(&s->lock);
	away = s->away;
	pthread_mutex_unlock(&s->lock);
	return away;
}

/* The thread waits for an answer about a topic that does not come. */
static void stop_leaves_a_hanging_thread_behind(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;

	setup(&w);
	w.config.create_topic = true;
	rd_kafka_mock_broker_set_down(w.cluster, 1);
	prepare(&w);
	w.sender->answer_ms = 5000; /* much longer than a stop without time waits */
	assert_int_equal(toll_kafka_sender_start(w.sender), 0);
	c = deliver(&w, 0);
	EVENTUALLY(is_away(w.sender));
	toll_kafka_sender_stop(w.sender, toll_clock_mono_ns());
	assert_true(is_away(w.sender));
	assert_int_equal(answered, 1);
	assert_int_equal(failed_answers, 1);
	w.component.who = NULL;
	w.component.stats = NULL;
	cargo_free(c);
	EVENTUALLY(!is_away(w.sender)); /* it comes back, and must find nothing to do */
	usleep(100000);
	assert_int_equal(answered, 1);
	teardown(&w);
}

static void missing_dead_letter_topic_counts_as_lost(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;

	setup_one_request(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	rd_kafka_mock_topic_create(w.cluster, "spans-dlq", 4, 1);
	rd_kafka_mock_push_request_errors(w.cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
	                                  RD_KAFKA_RESP_ERR_INVALID_RECORD);
	start(&w);
	c = deliver_some(&w, 0, FEW);
	EVENTUALLY(answered >= 1);
	assert_int_equal(failed_answers, 0);
	assert_int_equal(c->delivery.lost_count, FEW);
	teardown(&w);
	cargo_free(c);
}

static void broker_that_comes_back_gets_everything_once(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c[40];
	struct found f;

	setup(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	start(&w);
	for (uint64_t i = 0; i < 20; i++)
		c[i] = deliver(&w, i * SPANS);
	rd_kafka_mock_broker_set_down(w.cluster, 1);
	for (uint64_t i = 20; i < 40; i++)
		c[i] = deliver(&w, i * SPANS);
	assert_false(answered_soon(40));
	rd_kafka_mock_broker_set_up(w.cluster, 1);
	EVENTUALLY(answered >= 40);
	assert_int_equal(failed_answers, 0);
	f = read_topic(&w, "spans", 40 * SPANS);
	assert_int_equal(f.messages, 40 * SPANS);
	assert_int_equal(f.distinct, 40 * SPANS);
	teardown(&w);
	for (int i = 0; i < 40; i++)
		cargo_free(c[i]);
}

static void stop_answers_everything_by_its_deadline(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c[10];
	struct toll_delivery late = { 0 };

	setup(&w);
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	rd_kafka_mock_broker_set_down(w.cluster, 1);
	start(&w);
	for (uint64_t i = 0; i < 10; i++)
		c[i] = deliver(&w, i * SPANS);
	toll_kafka_sender_stop(w.sender, toll_clock_mono_ns() + 500 * TOLL_MS);
	assert_int_equal(answered, 10);
	assert_int_equal(failed_answers, 10);
	assert_int_equal(toll_kafka_sender_send(w.sender, &late), TOLL_ESHUTDOWN);
	toll_kafka_sender_stop(w.sender, toll_clock_mono_ns());
	teardown(&w);
	for (int i = 0; i < 10; i++)
		cargo_free(c[i]);
}

static void stop_does_not_linger(void **state TOLL_UNUSED)
{
	struct world w;
	struct cargo *c;

	setup(&w);
	w.config.producer.linger = 10 * PATIENCE_NS;
	rd_kafka_mock_topic_create(w.cluster, "spans", 4, 1);
	start(&w);
	c = deliver(&w, 0);
	toll_kafka_sender_stop(w.sender, toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(answered, 1);
	assert_int_equal(failed_answers, 0);
	teardown(&w);
	cargo_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delivery_is_done_when_all_is_acknowledged),
		cmocka_unit_test(fatal_producer_error_loses_nothing),
		cmocka_unit_test(topic_created_later_gets_everything),
		cmocka_unit_test(batch_refused_for_its_size_is_made_smaller),
		cmocka_unit_test(after_a_batch_was_refused_large_messages_still_pass),
		cmocka_unit_test(record_refused_for_good_becomes_a_dead_letter),
		cmocka_unit_test(dead_letters_refused_as_a_batch_are_sent_one_by_one),
		cmocka_unit_test(dead_letter_refused_alone_is_lost),
		cmocka_unit_test(closed_connections_are_no_trouble_while_nothing_waits),
		cmocka_unit_test(stop_leaves_a_hanging_thread_behind),
		cmocka_unit_test(missing_dead_letter_topic_counts_as_lost),
		cmocka_unit_test(broker_that_comes_back_gets_everything_once),
		cmocka_unit_test(stop_answers_everything_by_its_deadline),
		cmocka_unit_test(stop_does_not_linger),
	};

	toll_log_set_sink(look_at_line, NULL);
	return cmocka_run_group_tests_name("kafka sender", tests, NULL, NULL);
}
