/* SPDX-License-Identifier: Apache-2.0 */
/* sender_reports.c - what librdkafka answers: delivery reports and errors. */
#include "base/clock.h"
#include "base/log.h"
#include "exporters/kafka/sender_private.h"
#include "pipeline/lost.h"

/* Spans that wait this long while all connections are closed: the brokers are out of reach. Idle
 * connections are closed as well, and opened again when something comes. */
#define DOWN_GRACE (3 * TOLL_S)

static void lose(struct toll_kafka_sender *s, struct toll_kafka_record *r, const char *why)
{
	struct toll_delivery *d = r->flight->delivery;
	const struct toll_part part = { d->parts[r->part].batch, r->first, r->count };
	uint32_t kept = toll_kafka_record_kept(r);
	struct toll_lost lost = { 0 };
	char dollars[TOLL_LOST_TEXT];

	toll_lost_add(&lost, &part);
	TOLL_FAULT(s->who,
	           "lost %u span%s worth %s, refused by the dead-letter topic: topic=%s why=%s",
	           kept, TOLL_PLURAL(kept), toll_lost_dollars(&lost, dollars), s->dead_letter_topic,
	           why);
	d->lost_count += kept;
	toll_kafka_record_finish(s, r);
}

/* The broker took it, or has it already. */
static void acknowledged(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	if (r->dead_letter)
		toll_stat_add(s->component->stats, TOLL_STAT_EXPORTER_DEAD_LETTER_SPANS,
		              toll_kafka_record_kept(r));
	if (s->trouble || s->backoff || s->brokers_down)
		toll_kafka_all_well(s);
	toll_kafka_record_finish(s, r);
}

static void wait_for_topic(struct toll_kafka_sender *s, const char *why)
{
	s->topic_missing = true;
	toll_kafka_trouble(
		s,
		"the topic does not exist: create it, set create_topic: true, or let the broker "
		"create it",
		why);
	toll_kafka_hold(s);
}

/* A dead letter that cannot be written now will hardly be written later: the topic is missing,
 * closed to us, or takes less than a dead letter. It must not hold up the rest. */
static bool refuses_dead_letters(rd_kafka_resp_err_t err)
{
	switch (err) {
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		return true;
	default:
		return false;
	}
}

static bool for_its_size(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
	       err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

void toll_kafka_failed(struct toll_kafka_sender *s, struct toll_kafka_record *r,
                       rd_kafka_resp_err_t err)
{
	const char *why = rd_kafka_err2str(err);

	r->state = TOLL_KAFKA_READY;
	if (r->dead_letter && !r->alone && for_its_size(err)) {
		toll_kafka_send_alone(s, r);
		return;
	}
	if (r->dead_letter && refuses_dead_letters(err)) {
		lose(s, r, why);
		return;
	}
	switch (err) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
		toll_kafka_list_push(&s->oversized, r);
		return;
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		s->rejection = err;
		toll_kafka_list_push(&s->rejected, r);
		return;
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		wait_for_topic(s, why);
		break;
	case RD_KAFKA_RESP_ERR__FATAL:
	case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
	case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
		break; /* the producer broke: on_error() */
	default:
		toll_kafka_trouble(s, "the broker refuses messages", why);
		toll_kafka_hold(s);
	}
	toll_kafka_list_push(&s->ready, r);
}

static void on_report(void *ctx, const rd_kafka_message_t *message)
{
	struct toll_kafka_sender *s = ctx;
	struct toll_kafka_record *r = message->_private;

	s->sent--;
	s->letters_sent -= r->dead_letter;
	if (r->alone)
		s->letter_alone = false;
	if (toll_likely(!message->err) ||
	    rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_PERSISTED)
		acknowledged(s, r);
	else
		toll_kafka_failed(s, r, message->err);
}

static const char brokers_down[] = "no broker can be reached";

/* librdkafka says so once, perhaps while nothing was to be sent. */
void toll_kafka_notice_brokers_down(struct toll_kafka_sender *s)
{
	if (s->brokers_down && toll_kafka_busy(s) && !s->trouble &&
	    toll_clock_mono_ns() - s->waiting_since > DOWN_GRACE)
		toll_kafka_trouble(s, brokers_down, "messages are unanswered");
}

static void on_error(void *ctx, rd_kafka_resp_err_t err, const char *why, bool fatal)
{
	struct toll_kafka_sender *s = ctx;

	if (fatal) {
		s->broken = true;
		toll_kafka_trouble(s, "the producer broke; a new one takes over", why);
	} else if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		s->brokers_down = true;
		if (toll_kafka_busy(s))
			toll_kafka_trouble(s, brokers_down, why);
	} else if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL) {
		toll_kafka_trouble(s, "the brokers do not let us in", why);
	} else {
		TOLL_DEBUG(s->who, "%s: %s", rd_kafka_err2name(err), why);
	}
}

const struct toll_kafka_client_ops toll_kafka_sender_client_ops = { on_report, on_error };
