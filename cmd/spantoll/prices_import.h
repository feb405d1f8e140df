/* SPDX-License-Identifier: Apache-2.0 */
/* prices_import.h - `spantoll prices import`. */
#ifndef TOLL_CMD_PRICES_IMPORT_H
#define TOLL_CMD_PRICES_IMPORT_H

/* argv[0] is the verb; returns an enum toll_exit. */
int toll_prices_import(int argc, char **argv);

#endif
