/* Templates, mechanism parameters and labels as a calling program might send them: any types, any lengths.
 *
 * Input: one byte which key, then attributes, each `type(4) length(1) bytes`, little endian as in memory.
 * Every attribute's value is its own exactly sized allocation, so a read past it is seen.
 */
#include "base/mem.h"
#include "base/reader.h"
#include "pkcs11/attr.h"
#include "pkcs11/label.h"
#include "pkcs11/param.h"
#include "se/curve.h"

#define ATTRS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct p11_key *make_key(bool rsa)
{
    static const uint8_t n[128] = { 0x80, 1 }, point[65] = { 4, 1 };
    struct p11_key *key = NULL;
    err_t e = rsa ? p11_key_make_rsa(0x20181001, SLICE_ARRAY(n), SLICE_LIT("\x01\x00\x01"), &key)
                  : p11_key_make_ec(0x20181001, se_curve_by_name("NIST_P256"), SLICE_ARRAY(point), &key);
    return e ? NULL : key;
}

static size_t read_template(struct reader *r, CK_ATTRIBUTE *attrs)
{
    size_t n = 0;

    while (n < ATTRS_MAX && !reader_empty(r)) {
        uint32_t type = reader_be32(r);
        struct slice value = reader_bytes(r, reader_u8(r));
        if (reader_ok(r) != ERR_OK)
            break;
        uint8_t *copy = value.n ? malloc(value.n) : NULL; /* not mem_dup: that adds a byte */
        if (copy)
            memcpy(copy, value.p, value.n);
        attrs[n++] = (CK_ATTRIBUTE){ type, copy, copy ? value.n : 0 };
    }
    return n;
}

static void use_as_parameter(const CK_ATTRIBUTE *a)
{
    CK_MECHANISM given = { a->type, a->pValue, a->ulValueLen };
    struct p11_mech m;
    struct p11_params params;

    if (p11_mech_find(a->type, 0, &m) != CKR_OK || m.scheme == P11_RSA_OAEP || m.scheme == P11_AES_GCM)
        return; /* theirs hold pointers: random bytes are no such thing */
    if (p11_params_read(&m, &given, &params) == CKR_OK)
        p11_params_done(&params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    uint8_t which = reader_u8(&r);
    CK_ATTRIBUTE attrs[ATTRS_MAX];
    CK_ULONG number = 0;
    uint32_t id = 0;
    struct p11_key *key = make_key(which & 1);
    auto_p11_object struct p11_object *o =
        key ? p11_object_of_key(key, which & 2 ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY) : NULL;
    size_t n = read_template(&r, attrs);

    if (o && p11_attr_check_template(attrs, n) == CKR_OK) {
        (void)p11_attr_match(o, attrs, n);
        (void)p11_attr_ulong(attrs, n, CKA_CLASS, &number);
        for (size_t i = 0; i < n; i++) {
            use_as_parameter(&attrs[i]);
            (void)p11_label_is_id(slice_of(attrs[i].pValue, attrs[i].ulValueLen), &id);
        }
        (void)p11_attr_get_all(o, attrs, n); /* writes into the values */
    }
    for (size_t i = 0; i < n; i++)
        free(attrs[i].pValue);
    p11_key_unref(key);
    return 0;
}
