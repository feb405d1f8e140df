/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry.h - service::telemetry of the configuration. */
#ifndef TOLL_CONFIG_TELEMETRY_H
#define TOLL_CONFIG_TELEMETRY_H

#include "config/parse.h"

extern const struct toll_field toll_telemetry_fields[]; /* for the documentation */

/* entry NULL: all defaults. */
void toll_telemetry_parse(struct toll_parser *p, const struct toll_yaml_entry *entry,
                          const struct toll_yaml_path *path, struct toll_config_telemetry *ret);

#endif
