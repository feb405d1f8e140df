/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - the one place that says which version this is. */
#ifndef TOLL_BASE_VERSION_H
#define TOLL_BASE_VERSION_H

#define TOLL_VERSION "0.1.0"

#endif
