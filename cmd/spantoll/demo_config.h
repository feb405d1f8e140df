/* SPDX-License-Identifier: Apache-2.0 */
/* demo_config.h - the configuration that `spantoll demo` runs with, and the weather of its traffic.
 */
#ifndef TOLL_CMD_DEMO_CONFIG_H
#define TOLL_CMD_DEMO_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Two minutes must show a service throttled and released: seconds stand for the usual hours. */
#define TOLL_DEMO_WINDOW_S 30u

struct toll_demo_settings {
	const char *host; /* where everything listens */
	uint16_t port, http_port, metrics_port, health_port;
	const char *price_file;
};

void toll_demo_config_print(const struct toll_demo_settings *set, FILE *out);

/* ai-assistant's model is overloaded for 30 s in every 90 s, from the 15th second on. */
bool toll_demo_storm(uint64_t elapsed_ns);

#endif
