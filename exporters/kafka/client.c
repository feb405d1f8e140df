/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/client.h"

static void on_report(rd_kafka_t *rk TOLL_UNUSED, const rd_kafka_message_t *message, void *opaque)
{
	struct toll_kafka_client *c = opaque;

	c->ops->on_report(c->ctx, message);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct toll_kafka_client *c = opaque;
	char text[256];

	if (err != RD_KAFKA_RESP_ERR__FATAL) {
		c->ops->on_error(c->ctx, (rd_kafka_resp_err_t)err, reason, false);
		return;
	}
	err = rd_kafka_fatal_error(rk, text, sizeof(text));
	c->ops->on_error(c->ctx, (rd_kafka_resp_err_t)err, text, true);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	const struct toll_kafka_client *c = rd_kafka_opaque(rk);

	toll_kafka_log(c ? c->who : "exporter/kafka", level, facility, text);
}

static rd_kafka_topic_t *open_topic(struct toll_kafka_client *c, struct toll_slice name)
{
	char text[256]; /* names are at most 249 bytes: settings.c */

	if (name.len >= sizeof(text))
		return NULL;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	return rd_kafka_topic_new(c->rk, text, NULL);
}

int toll_kafka_client_open(struct toll_kafka_client *c, const struct toll_kafka_config *config,
                           const char *dead_letter_topic, size_t batch_bytes,
                           struct toll_error *reterr)
{
	rd_kafka_conf_t *conf;
	char why[200];
	int err = toll_kafka_conf(config, batch_bytes, &conf, reterr);

	if (err)
		return err;
	rd_kafka_conf_set_opaque(conf, c);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	c->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!c->rk) {
		rd_kafka_conf_destroy(conf);
		return toll_fail(reterr, TOLL_ECONFIG, "cannot make a producer: %s", why);
	}
	c->topic = open_topic(c, toll_kafka_topic(config));
	c->dead_letters = open_topic(c, toll_slice_str(dead_letter_topic));
	c->queue = rd_kafka_queue_get_main(c->rk);
	if (!c->topic || !c->dead_letters || !c->queue) {
		toll_kafka_client_close(c);
		return toll_fail(reterr, TOLL_ENOMEM, "cannot open the topics");
	}
	return 0;
}

void toll_kafka_client_close(struct toll_kafka_client *c)
{
	if (!c->rk)
		return;
	if (c->topic)
		rd_kafka_topic_destroy(c->topic);
	if (c->dead_letters)
		rd_kafka_topic_destroy(c->dead_letters);
	if (c->queue)
		rd_kafka_queue_destroy(c->queue);
	rd_kafka_destroy(c->rk);
	c->rk = NULL;
	c->topic = c->dead_letters = NULL;
	c->queue = NULL;
}

void toll_kafka_client_poll(struct toll_kafka_client *c, int timeout_ms)
{
	rd_kafka_poll(c->rk, timeout_ms);
}
