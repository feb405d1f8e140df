/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an event from the channel: refused, or printed and read again to the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "budget/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TOLL_EVENT_TEXT], again[TOLL_EVENT_TEXT];
	struct toll_budget_event event, back;

	if (toll_event_parse(toll_slice(data, size), &event) < 0)
		return 0;
	if (toll_event_print(&event, text) >= sizeof(text) ||
	    toll_event_parse(toll_slice_str(text), &back) < 0)
		abort();
	toll_event_print(&back, again);
	if (strcmp(text, again) != 0)
		abort();
	return 0;
}
