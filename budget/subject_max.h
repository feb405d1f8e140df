/* SPDX-License-Identifier: Apache-2.0 */
/* subject_max.h - how long the key of a subject may be; longer ones are cut as names are. */
#ifndef TOLL_BUDGET_SUBJECT_MAX_H
#define TOLL_BUDGET_SUBJECT_MAX_H

#define TOLL_SUBJECT_MAX 512 /* bytes */

#endif
