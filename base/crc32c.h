/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h - the Castagnoli checksum (RFC 3720, appendix B.4), by the processor where it can. */
#ifndef TOLL_BASE_CRC32C_H
#define TOLL_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of bytes that follow those which gave crc; 0 for the first ones. */
uint32_t toll_crc32c(uint32_t crc, const void *bytes, size_t len);

/* The same by table, as processors without an instruction for it do it: for tests. */
uint32_t toll_crc32c_table(uint32_t crc, const void *bytes, size_t len);

#endif
