#include "se/port.h"

#include "base/mem.h"
#include "se/conf.h"
#include "se/detail.h"
#include "se/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VSE_PREFIX "vse:"

enum {
    ADDRESS_FIRST = 0x03, /* I2C-bus specification: outside 03..77 addresses are reserved */
    ADDRESS_LAST = 0x77,
};

static err_t bad_port(const char *text, const char *why)
{
    return se_fail(ERR_INVALID,
                   "port \"%.100s\": %s; expected DEVICE[:ADDRESS] such as " SE_PORT_DEFAULT
                   ", or vse:SOCKET for a virtual chip",
                   text, why);
}

static err_t take_path(const char *text, struct slice path, struct se_port *port)
{
    if (path.n == 0)
        return bad_port(text, "no path");
    if (path.n >= sizeof(port->path))
        return bad_port(text, "path too long");
    memcpy(port->path, path.p, path.n);
    port->path[path.n] = '\0';
    return ERR_OK;
}

static err_t take_address(const char *text, const char *digits, uint8_t *ret)
{
    char *end = NULL;
    unsigned long v = strtoul(digits, &end, 0);

    if (end == digits || *end != '\0')
        return bad_port(text, "the address is not a number");
    if (v < ADDRESS_FIRST || v > ADDRESS_LAST)
        return bad_port(text, "the address is not a 7-bit I2C address (0x03..0x77)");
    *ret = (uint8_t)v;
    return ERR_OK;
}

err_t se_port_parse(const char *text, struct se_port *ret)
{
    struct se_port port = { .kind = SE_PORT_I2C, .address = SE_I2C_ADDRESS };
    const char *colon;
    err_t e;

    if (strncmp(text, VSE_PREFIX, strlen(VSE_PREFIX)) == 0) {
        port.kind = SE_PORT_VSE;
        e = take_path(text, slice_str(text + strlen(VSE_PREFIX)), &port);
        if (!e)
            *ret = port;
        return e;
    }
    if (text[0] != '/')
        return bad_port(text, "not an absolute device path");
    colon = strrchr(text, ':');
    if (colon) {
        e = take_address(text, colon + 1, &port.address);
        if (e)
            return e;
    }
    e = take_path(text, slice_of(text, colon ? (size_t)(colon - text) : strlen(text)), &port);
    if (!e)
        *ret = port;
    return e;
}

/* ERR_NOT_FOUND: the file does not set a port. */
static err_t conf_port(struct se_port *ret)
{
    char value[SE_PORT_TEXT_MAX];
    err_t e = se_conf_value("port", value, sizeof(value));

    if (e)
        return e;
    if (strcasecmp(value, "none") == 0)
        return ERR_NOT_FOUND;
    if (se_port_parse(value, ret))
        return se_fail_at(ERR_INVALID, "%s: ", se_conf_path());
    return ERR_OK;
}

err_t se_port_default(struct se_port *ret)
{
    const char *env = secure_getenv("EX_SSS_BOOT_SSS_PORT");
    err_t e;

    if (env && *env && strcasecmp(env, "none") != 0) {
        e = se_port_parse(env, ret);
        return e ? se_fail_at(e, "EX_SSS_BOOT_SSS_PORT: ") : ERR_OK;
    }
    e = conf_port(ret);
    return e == ERR_NOT_FOUND ? se_port_parse(SE_PORT_DEFAULT, ret) : e;
}

void se_port_text(const struct se_port *port, char out[SE_PORT_TEXT_MAX])
{
    if (port->kind == SE_PORT_VSE)
        (void)snprintf(out, SE_PORT_TEXT_MAX, VSE_PREFIX "%s", port->path);
    else
        (void)snprintf(out, SE_PORT_TEXT_MAX, "%s:0x%02x", port->path, port->address);
}
