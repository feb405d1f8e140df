/* SPDX-License-Identifier: Apache-2.0 */
/* docs_semconv.h - docs/semconv.md: which attributes are read for what a span used. */
#ifndef TOLL_CMD_DOCS_SEMCONV_H
#define TOLL_CMD_DOCS_SEMCONV_H

void toll_docs_semconv(void);

#endif
