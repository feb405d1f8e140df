/* SPDX-License-Identifier: Apache-2.0 */
/* scripts.h - what runs inside Redis: the .lua files beside this one. */
#ifndef TOLL_ENFORCER_SCRIPTS_H
#define TOLL_ENFORCER_SCRIPTS_H

enum toll_script {
	TOLL_SCRIPT_PUBLISH = 0,
	TOLL_SCRIPT_COMMIT,
	TOLL_SCRIPT_OWNER,
	TOLL_SCRIPT_COUNT
};

extern const char *const toll_scripts[TOLL_SCRIPT_COUNT];

#endif
