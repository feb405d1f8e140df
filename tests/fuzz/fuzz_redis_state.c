/* SPDX-License-Identifier: Apache-2.0 */
/* Any lines as the fields of a state in Redis: one that prints and reads again, amounts, or
 * nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/store_redis/state.h"

#define STRINGS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct toll_slot *slot)
{
	char text[TOLL_SLOT_TEXT], again[TOLL_SLOT_TEXT];
	struct toll_slot back;
	int len = toll_slot_print(slot, text);

	if (len <= 0 || (size_t)len >= sizeof(text) ||
	    toll_slot_parse(toll_slice(text, (size_t)len), &back) < 0)
		abort();
	toll_slot_print(&back, again);
	if (strcmp(text, again) != 0)
		abort();
}

static void read_state(const redisReply *reply)
{
	static struct toll_state st;

	toll_state_read(reply, &st);
	for (uint32_t i = 0; i < st.slots.count; i++)
		read_again(&st.slots.at[i]);
}

static void read_text(struct toll_slice text)
{
	char usd[TOLL_NANO_TEXT];
	struct toll_slot slot;
	toll_i128 nano;

	if (toll_slot_parse(text, &slot) == 0)
		read_again(&slot);
	if (toll_nano_parse(text, &nano) == 0 && nano <= TOLL_SERIES_NANO_MAX)
		toll_nano_print(nano, usd);
}

/* Each line one string of the answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	redisReply texts[STRINGS_MAX], *elements[STRINGS_MAX];
	redisReply reply = { .type = REDIS_REPLY_ARRAY, .element = elements };
	size_t begin = 0;

	read_text(toll_slice(data, size));
	for (size_t i = 0; i <= size && reply.elements < STRINGS_MAX; i++) {
		if (i < size && data[i] != '\n')
			continue;
		texts[reply.elements] =
			(redisReply){ .type = REDIS_REPLY_STRING, .len = i - begin };
		texts[reply.elements].str = (char *)(uintptr_t)data + begin;
		elements[reply.elements] = &texts[reply.elements];
		reply.elements++;
		begin = i + 1;
	}
	read_state(&reply);
	return 0;
}
