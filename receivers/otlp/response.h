/* SPDX-License-Identifier: Apache-2.0 */
/* response.h - what a client is told: ExportTraceServiceResponse, or google.rpc.Status. */
#ifndef TOLL_RECEIVERS_OTLP_RESPONSE_H
#define TOLL_RECEIVERS_OTLP_RESPONSE_H

#include <stdint.h>

#include "base/slice.h"

#define TOLL_RESPONSE_MAX 512

/* A full success is empty; with rejected spans it says how many and why (enum toll_drop of the
 * first). Written into buf. */
struct toll_slice toll_otlp_response(uint32_t rejected, uint8_t reason,
                                     char buf[TOLL_RESPONSE_MAX]);

/* google.rpc.Status with RetryInfo of delay_ms for grpc-status-details-bin. */
struct toll_slice toll_retry_status(int grpc_status, const char *message, uint32_t delay_ms,
                                    char buf[TOLL_RESPONSE_MAX]);

/* 1 to 5 s, spread evenly, so that refused clients do not come back together. */
uint32_t toll_retry_delay_ms(void);

#endif
