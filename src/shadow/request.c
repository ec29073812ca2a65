#include "base/utf8.h"
#include "shadow/document.h"

#include <stdio.h>

#define PARSE_DEPTH 512 /* far above any limit of ours, so that depth has its own message */

void shadow_body_done(struct shadow_body *b)
{
    json_decref(b->root);
    *b = (struct shadow_body){ .version = -1 };
}

/* A refusal with the service's words (iot-core.md 5.5). */
static int refuse(char *message, size_t size, int code, const char *text)
{
    (void)snprintf(message, size, "%s", text);
    return code;
}
#define REFUSE(code, text) refuse(message, size, code, text)

static int check_token(const struct shadow_limits *limits, struct shadow_body *b, char *message, size_t size)
{
    json_t *token = json_object_get(b->root, "clientToken");

    if (!token)
        return SHADOW_OK;
    if (!json_is_string(token) || json_string_length(token) > limits->max_token)
        return REFUSE(SHADOW_BAD_REQUEST, "Invalid clientToken");
    b->token = json_string_value(token);
    return SHADOW_OK;
}

static int check_version(struct shadow_body *b, char *message, size_t size)
{
    json_t *version = json_object_get(b->root, "version");

    if (!version)
        return SHADOW_OK;
    if (!json_is_integer(version) || json_integer_value(version) < 0)
        return REFUSE(SHADOW_BAD_REQUEST, "Invalid version");
    b->version = json_integer_value(version);
    return SHADOW_OK;
}

static int check_section(const struct shadow_limits *limits, json_t *section, const char *must, char *message,
                         size_t size)
{
    if (!json_is_object(section) && !json_is_null(section))
        return REFUSE(SHADOW_BAD_REQUEST, must);
    if (json_depth(section, limits->max_depth) > limits->max_depth)
        return REFUSE(SHADOW_BAD_REQUEST, "JSON contains too many levels of nesting; maximum is 6");
    if (shadow_has_null_in_array(section))
        return REFUSE(SHADOW_BAD_REQUEST, "State contains an invalid node: 'null'");
    return SHADOW_OK;
}

static int check_node(const struct shadow_limits *limits, const char *key, json_t *node, char *message,
                      size_t size)
{
    if (strcmp(key, "desired") == 0)
        return check_section(limits, node, "Desired node must be an object", message, size);
    if (strcmp(key, "reported") == 0)
        return check_section(limits, node, "Reported node must be an object", message, size);
    (void)snprintf(message, size, "State contains an invalid node: '%.64s'", key);
    /* The cut may have split a character. */
    return utf8_valid(slice_str(message)) ? SHADOW_BAD_REQUEST
                                          : REFUSE(SHADOW_BAD_REQUEST, "State contains an invalid node");
}

static int check_state(const struct shadow_limits *limits, struct shadow_body *b, char *message, size_t size)
{
    const char *key;
    json_t *node;
    int code;

    b->state = json_object_get(b->root, "state");
    if (!b->state)
        return REFUSE(SHADOW_BAD_REQUEST, "Missing required node: state");
    if (!json_is_object(b->state) && !json_is_null(b->state))
        return REFUSE(SHADOW_BAD_REQUEST, "State node must be an object");
    json_object_foreach(b->state, key, node)
    {
        code = check_node(limits, key, node, message, size);
        if (code != SHADOW_OK)
            return code;
    }
    return SHADOW_OK;
}

static int check_root(const struct shadow_limits *limits, enum shadow_op op, struct slice body,
                      struct shadow_body *b, char *message, size_t size)
{
    int code;

    if (!utf8_valid(body))
        return REFUSE(SHADOW_UNSUPPORTED_ENCODING, shadow_code_str(SHADOW_UNSUPPORTED_ENCODING));
    if (json_parse(body, PARSE_DEPTH, &b->root, NULL) || !json_is_object(b->root))
        return REFUSE(SHADOW_BAD_REQUEST, "Invalid JSON");
    code = check_token(limits, b, message, size);
    if (code != SHADOW_OK || op != SHADOW_UPDATE)
        return code;
    code = check_version(b, message, size);
    return code == SHADOW_OK ? check_state(limits, b, message, size) : code;
}

int shadow_body_parse(const struct shadow_limits *limits, enum shadow_op op, struct slice body,
                      struct shadow_body *ret, char *message, size_t size)
{
    int code;

    *ret = (struct shadow_body){ .version = -1 };
    message[0] = '\0';
    if (body.n > limits->max_request)
        return REFUSE(SHADOW_TOO_LARGE, shadow_code_str(SHADOW_TOO_LARGE));
    if (op != SHADOW_UPDATE && !body.n)
        return SHADOW_OK;
    code = check_root(limits, op, body, ret, message, size);
    if (code != SHADOW_OK && op == SHADOW_DELETE) {
        /* 5.2: delete ignores what the body holds, a token apart. */
        message[0] = '\0';
        return SHADOW_OK;
    }
    return code;
}
