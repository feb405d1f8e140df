/* SPDX-License-Identifier: Apache-2.0 */
/* encode.h - spans of a delivery into messages, cut by their encoded size.
 *
 * json: one flat record per span. otlp_json, otlp_proto: one message per run of spans of one
 * resource, as long as it fits. A span that does not fit alone becomes a dead letter. */
#ifndef TOLL_EXPORTERS_KAFKA_ENCODE_H
#define TOLL_EXPORTERS_KAFKA_ENCODE_H

#include "cost/name.h"
#include "exporters/kafka/delivery.h"
#include "exporters/kafka/settings.h"
#include "proto/otlp_json.h"

struct toll_kafka_encoder {
	enum toll_kafka_encoding encoding;
	struct toll_slice topic;
	size_t max_message_bytes; /* of a message with everything around it */
	size_t header_bytes;      /* what headers take, at most */
	struct toll_kafka_store *store;
	struct toll_buffer scratch;
};

void toll_kafka_encoder_release(struct toll_kafka_encoder *e);

/* What a message may carry besides its key, its headers and Kafka's framing. */
size_t toll_kafka_payload_limit(const struct toll_kafka_encoder *e, size_t key_size);

/* The name of the service that a record is about. One of more than TOLL_NAME_MAX bytes is cut as in
 * cost/name.h, in room: brokers refuse a message for its key, too. */
#define TOLL_KAFKA_KEY_ROOM (TOLL_NAME_MAX + 1)
struct toll_slice toll_kafka_record_key(const struct toll_kafka_record *r,
                                        char room[TOLL_KAFKA_KEY_ROOM]);

/* The journal that a record's spans are written down in, for header `epoch`; NULL: none. */
const char *toll_kafka_record_epoch(const struct toll_kafka_record *r);

/* A message of spans from a journal has as its seq the record's, shifted by so many bits, and the
 * place of its first span among those the record keeps. */
#define TOLL_KAFKA_SEQ_BITS 17

/* The record's spans that were not dropped: what its delivery counts. */
uint32_t toll_kafka_record_kept(const struct toll_kafka_record *r);

/* The flight's next message in *ret; NULL when there is none left: the flight is then marked
 * encoded. TOLL_ENOMEM: nothing has changed, try later. */
int toll_kafka_encode_next(struct toll_kafka_encoder *e, struct toll_kafka_flight *f,
                           struct toll_kafka_record **ret) TOLL_MUST_CHECK;

/* A record that turned out too large for the destination: pushes what replaces it (it itself, if it
 * fits by now) to out. Its spans are in no record twice. TOLL_ENOMEM: try again; r is as before. */
int toll_kafka_encode_smaller(struct toll_kafka_encoder *e, struct toll_kafka_record *r,
                              struct toll_kafka_list *out) TOLL_MUST_CHECK;

/* A record that will never be taken, as a dead letter, pushed to out; r is finished. */
int toll_kafka_encode_dead_letter(struct toll_kafka_encoder *e, struct toll_kafka_record *r,
                                  struct toll_slice reason,
                                  struct toll_kafka_list *out) TOLL_MUST_CHECK;

#endif
