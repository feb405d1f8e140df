/* SPDX-License-Identifier: Apache-2.0 */
/* io.h - file descriptors that block: what POSIX leaves to its callers. */
#ifndef TOLL_BASE_IO_H
#define TOLL_BASE_IO_H

#include "base/slice.h"

/* Until all is written. 0, or the positive errno of what went wrong; *rest is what is not written
 * yet. */
int toll_write_all(int fd, struct toll_slice *rest);

#endif
