/* Make a P-256 key in a secure element that can only sign, sign a digest with it, print the signature.
 *
 *   cc se_sign.c $(pkg-config --cflags --libs sedge-se) -o se_sign
 *   ./se_sign 20181001 [PORT] < digest-of-32-bytes > signature.der
 *
 * Compiles as C and as C++.
 */
#include <sedge/se_all.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what, sedge_err e)
{
    fprintf(stderr, "%s: %s: %s\n", what, sedge_err_text(e), sedge_se_detail());
    return 1;
}

static sedge_err make_key(sedge_se *se, uint32_t id)
{
    struct sedge_se_rule rule = {};
    struct sedge_se_write how = {};
    bool there = false;
    sedge_err e = sedge_se_exists(se, id, &there);

    if (e || there)
        return e;
    rule.rights = SEDGE_SE_POLICY_SIGN | SEDGE_SE_POLICY_READ | SEDGE_SE_POLICY_DELETE;
    how.rules = &rule;
    how.n_rules = 1;
    return sedge_se_generate_ec(se, id, SEDGE_SE_CURVE_P256, &how);
}

static int sign(sedge_se *se, uint32_t id)
{
    uint8_t digest[32], der[80];
    sedge_bytes in = { digest, fread(digest, 1, sizeof(digest), stdin) };
    sedge_out out = { der, sizeof(der), 0 };
    sedge_err e = make_key(se, id);

    if (e)
        return failed("making the key", e);
    e = sedge_se_sign_ecdsa(se, id, in, &out);
    if (e)
        return failed("signing", e);
    return fwrite(der, 1, out.n, stdout) != out.n;
}

int main(int argc, char **argv)
{
    struct sedge_se_options options = {};
    sedge_se *se = NULL;
    sedge_err e;
    int status;

    if (argc < 2)
        return fprintf(stderr, "usage: se_sign KEYID [PORT]\n"), 2;
    options.port = argc > 2 ? argv[2] : NULL;
    e = sedge_se_open(&options, &se);
    if (e)
        return failed("opening the chip", e);
    status = sign(se, (uint32_t)strtoul(argv[1], NULL, 16));
    sedge_se_close(se);
    return status;
}
