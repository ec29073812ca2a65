/* src/se/port.h - where the chip is: "/dev/i2c-1:0x48", "vse:PATH", or "keyd:PATH", the access daemon's
 * socket.
 *
 * se_port_parse is pure. se_port_default reads the environment (secure_getenv: a set-user-id program
 * ignores it) and one small file; any thread as long as nobody changes the environment.
 *
 * Order: the daemon where one is configured (SEDGE_KEYD_SOCKET, `keyd = SOCKET` in the file; se_port_resolve
 * only); EX_SSS_BOOT_SSS_PORT; `port = ...` in the file SEDGE_CONF (default /etc/sedge/se.conf, which may be
 * missing; a file named by SEDGE_CONF may not); /dev/i2c-1:0x48. "none" means the default, as with NXP's
 * tools. The file's form: se/conf.h.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SE_PORT_DEFAULT "/dev/i2c-1:0x48"
#define SE_PORT_PATH_MAX 256

enum se_port_kind { SE_PORT_I2C, SE_PORT_VSE, SE_PORT_KEYD };

struct se_port {
    enum se_port_kind kind;
    char path[SE_PORT_PATH_MAX]; /* device node or socket */
    uint8_t address;             /* 7 bit */
};

/* ERR_INVALID with se_detail() saying what is wrong. */
err_t se_port_parse(const char *text, struct se_port *ret);
/* ERR_INVALID a bad port or configuration line (file and line in se_detail()), ERR_IO unreadable. */
err_t se_port_default(struct se_port *ret);
/* The port to open. text: what a person or a program named, NULL for the configured one. Where the daemon is
 * configured it is the way whatever text says, so that its rules cannot be got round by naming the bus;
 * `direct` is for the daemon itself. Errors of both above. */
err_t se_port_resolve(const char *text, bool direct, struct se_port *ret);
/* The text form; out has SE_PORT_PATH_MAX + 8 bytes. */
#define SE_PORT_TEXT_MAX (SE_PORT_PATH_MAX + 8)
void se_port_text(const struct se_port *port, char out[SE_PORT_TEXT_MAX]);
