#include "keyd/op.h"

#include "base/mem.h"

static const struct {
    const char *name;
    unsigned ops;
    bool in_rules;
} words[] = {
    { "sign", KEYD_SIGN, true },
    { "verify", KEYD_VERIFY, true },
    { "encrypt", KEYD_ENCRYPT, true },
    { "decrypt", KEYD_DECRYPT, true },
    { "derive", KEYD_DERIVE, true },
    { "attest", KEYD_ATTEST, true },
    { "generate", KEYD_GENERATE, true },
    { "write", KEYD_WRITE, true },
    { "read", KEYD_READ, true },
    { "delete", KEYD_DELETE, true },
    { "login", KEYD_LOGIN, true },
    { "all", KEYD_OPS_KEY, true },
    { "use", KEYD_SIGN | KEYD_VERIFY | KEYD_ENCRYPT | KEYD_DECRYPT | KEYD_DERIVE | KEYD_READ, true },
    { "admin", KEYD_ADMIN, false }, /* a rule of its own, without keys */
    { "list", KEYD_LIST, false },
    { "info", KEYD_INFO, false },
    { "curve", KEYD_CURVE, false },
};

const char *keyd_op_name(enum keyd_op op)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].ops == (unsigned)op)
            return words[i].name;
    }
    return "?";
}

unsigned keyd_ops_of_word(struct slice word)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].in_rules && slice_eq(word, slice_str(words[i].name)))
            return words[i].ops;
    }
    return 0;
}
