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
#define KEYD_PREFIX "keyd:"

enum {
    ADDRESS_FIRST = 0x03, /* I2C-bus specification: outside 03..77 addresses are reserved */
    ADDRESS_LAST = 0x77,
};

static err_t bad_port(const char *text, const char *why)
{
    return se_fail(ERR_INVALID,
                   "port \"%.100s\": %s; expected DEVICE[:ADDRESS] such as " SE_PORT_DEFAULT
                   ", vse:SOCKET for a virtual chip, or keyd:SOCKET for the access daemon",
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

static err_t parse_socket(const char *text, const char *prefix, enum se_port_kind kind, struct se_port *ret)
{
    struct se_port port = { .kind = kind, .address = SE_I2C_ADDRESS };
    err_t e = take_path(text, slice_str(text + strlen(prefix)), &port);

    if (!e)
        *ret = port;
    return e;
}

err_t se_port_parse(const char *text, struct se_port *ret)
{
    struct se_port port = { .kind = SE_PORT_I2C, .address = SE_I2C_ADDRESS };
    const char *colon;
    err_t e;

    if (strncmp(text, VSE_PREFIX, strlen(VSE_PREFIX)) == 0)
        return parse_socket(text, VSE_PREFIX, SE_PORT_VSE, ret);
    if (strncmp(text, KEYD_PREFIX, strlen(KEYD_PREFIX)) == 0)
        return parse_socket(text, KEYD_PREFIX, SE_PORT_KEYD, ret);
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

/* ERR_NOT_FOUND: no daemon is configured. */
static err_t keyd_port(struct se_port *ret)
{
    struct se_port port = { .kind = SE_PORT_KEYD, .address = SE_I2C_ADDRESS };
    const char *env = secure_getenv("SEDGE_KEYD_SOCKET");
    char value[SE_PORT_PATH_MAX] = "";
    err_t e = ERR_OK;

    if (!env || !*env)
        e = se_conf_value("keyd", value, sizeof(value));
    if (!e)
        e = take_path("keyd", slice_str(env && *env ? env : value), &port);
    if (!e)
        *ret = port;
    return e;
}

err_t se_port_resolve(const char *text, bool direct, struct se_port *ret)
{
    err_t e = direct ? ERR_NOT_FOUND : keyd_port(ret);

    if (e != ERR_NOT_FOUND)
        return e;
    return text ? se_port_parse(text, ret) : se_port_default(ret);
}

void se_port_text(const struct se_port *port, char out[SE_PORT_TEXT_MAX])
{
    if (port->kind != SE_PORT_I2C)
        (void)snprintf(out, SE_PORT_TEXT_MAX, "%s%s", port->kind == SE_PORT_VSE ? VSE_PREFIX : KEYD_PREFIX,
                       port->path);
    else
        (void)snprintf(out, SE_PORT_TEXT_MAX, "%s:0x%02x", port->path, port->address);
}
