/* SPDX-License-Identifier: Apache-2.0 */
/* made_config.h - a configuration that flags make in the place of a file: prices, and what else a
 * verb asks for. */
#ifndef TOLL_CMD_MADE_CONFIG_H
#define TOLL_CMD_MADE_CONFIG_H

#include <stdio.h>

#include "cmd/spantoll/options.h"
#include "config/config.h"

/* As a YAML text that is nothing else: quoted, without ${...}. */
void toll_yaml_put(FILE *out, const char *text);

/* A pipeline of pricing and cost by the catalogue and these files over it. exporters: YAML of that
 * section, indented by two; the pipeline has the exporter whose id `exporter` is. Findings go to
 * stderr and call it `name`. An enum toll_exit. */
int toll_made_config(const struct toll_option_list *prices, const char *exporters,
                     const char *exporter, const char *name, struct toll_config **ret);

#endif
