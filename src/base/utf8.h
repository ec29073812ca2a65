/* src/base/utf8.h - is this well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? Pure. */
#pragma once
#include "base/slice.h"

bool utf8_valid(struct slice s);        /* U+0000 counts as valid */
bool utf8_valid_no_nul(struct slice s); /* U+0000 refused: MQTT strings, SQL text */
