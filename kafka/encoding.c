/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/encoding.h"

const char *const toll_kafka_encodings[] = { "json", "otlp_json", "otlp_proto", NULL };

struct toll_slice toll_kafka_encoding_name(enum toll_kafka_encoding encoding)
{
	return toll_slice_str(toll_kafka_encodings[encoding]);
}

bool toll_kafka_encoding_parse(struct toll_slice name, enum toll_kafka_encoding *ret)
{
	for (int i = 0; toll_kafka_encodings[i]; i++) {
		if (toll_slice_is(name, toll_kafka_encodings[i])) {
			*ret = (enum toll_kafka_encoding)i;
			return true;
		}
	}
	return false;
}
