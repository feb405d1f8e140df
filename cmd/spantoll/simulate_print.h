/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_print.h - what a replay found, for people and for programs. */
#ifndef TOLL_CMD_SIMULATE_PRINT_H
#define TOLL_CMD_SIMULATE_PRINT_H

#include "cmd/spantoll/simulate_input.h"

/* One change as it happens, a line: ctx is a FILE. */
void toll_simulate_print_change(void *ctx, const struct toll_replay_change *c);

/* Both TOLL_EXIT_OK, or TOLL_EXIT_FAILED: out of memory. most: rows; 0: all. */
int toll_simulate_print_table(const struct toll_simulate_input *in, uint64_t most);
int toll_simulate_print_json(const struct toll_simulate_input *in);

#endif
