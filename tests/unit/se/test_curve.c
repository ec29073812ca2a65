/* The curve table against OpenSSL's parameters. */
#include "../cm.h"
#include "base/mem.h"
#include "se/curve.h"
#include "se/curve_table.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

static void same(const BIGNUM *bn, struct slice s)
{
    uint8_t bytes[80];

    assert_true(s.n <= sizeof(bytes));
    assert_int_equal(BN_bn2binpad(bn, bytes, (int)s.n), s.n);
    assert_memory_equal(bytes, s.p, s.n);
}

static void check(const struct se_curve_entry *c)
{
    int nid = OBJ_txt2nid(c->info.oid);
    EC_GROUP *g = EC_GROUP_new_by_curve_name(nid);
    BIGNUM *p = BN_new(), *a = BN_new(), *b = BN_new();
    uint8_t point[140], oid[32];
    unsigned char *at = oid;
    size_t n;

    print_message("  %s\n", c->info.name);
    assert_non_null(g);
    assert_int_equal(EC_GROUP_get_curve(g, p, a, b, NULL), 1);
    same(p, c->prime);
    same(a, c->a);
    same(b, c->b);
    same(EC_GROUP_get0_order(g), c->n);
    n = EC_POINT_point2oct(g, EC_GROUP_get0_generator(g), POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point),
                           NULL);
    assert_int_equal(n, c->g.n);
    assert_memory_equal(point, c->g.p, n);
    assert_int_equal(c->info.bits, EC_GROUP_get_degree(g));
    assert_int_equal(c->info.private_len, c->prime.n);
    assert_int_equal(c->info.public_len, c->g.n);
    n = (size_t)i2d_ASN1_OBJECT(OBJ_nid2obj(nid), &at);
    assert_true(slice_eq(c->info.oid_der, slice_of(oid, n)));
    assert_ptr_equal(se_curve_by_name(OBJ_nid2sn(nid)), &c->info);
    assert_ptr_equal(se_curve_by_name(c->info.name), &c->info);
    assert_ptr_equal(se_curve_by_oid_der(c->info.oid_der), &c->info);
    assert_ptr_equal(se_curve_by_id(c->info.id), &c->info);
    BN_free(p);
    BN_free(a);
    BN_free(b);
    EC_GROUP_free(g);
}

/* OpenSSL has no name for TPM_ECC_BN_P256: is it a curve, and has its generator the order? */
static void check_bn(const struct se_curve_entry *c)
{
    BIGNUM *p = BN_bin2bn(c->prime.p, (int)c->prime.n, NULL), *n = BN_bin2bn(c->n.p, (int)c->n.n, NULL);
    BIGNUM *a = BN_bin2bn(c->a.p, (int)c->a.n, NULL), *b = BN_bin2bn(c->b.p, (int)c->b.n, NULL);
    EC_GROUP *g = EC_GROUP_new_curve_GFp(p, a, b, NULL);
    EC_POINT *generator = EC_POINT_new(g);

    assert_int_equal(EC_POINT_oct2point(g, generator, c->g.p, c->g.n, NULL), 1);
    assert_int_equal(EC_GROUP_set_generator(g, generator, n, BN_value_one()), 1);
    assert_int_equal(EC_GROUP_check(g, NULL), 1); /* order times generator is infinity, among others */
    EC_POINT_free(generator);
    EC_GROUP_free(g);
    BN_free(p);
    BN_free(n);
    BN_free(a);
    BN_free(b);
}

static void check_bare(const struct se_curve_entry *c)
{
    uint8_t oid[32];
    unsigned char *at = oid;
    size_t n = (size_t)i2d_ASN1_OBJECT(OBJ_txt2obj(c->info.oid, 1), &at);

    print_message("  %s\n", c->info.name);
    assert_true(slice_eq(c->info.oid_der, slice_of(oid, n)));
    assert_ptr_equal(se_curve_by_oid_der(c->info.oid_der), &c->info);
    assert_ptr_equal(se_curve_by_name(OBJ_nid2sn(OBJ_txt2nid(c->info.oid))), &c->info);
    assert_ptr_equal(se_curve_by_name(c->info.name), &c->info);
    assert_ptr_equal(se_curve_by_id(c->info.id), &c->info);
    assert_int_equal(c->prime.n, 0);
}

static void each_curve(void **state)
{
    assert_int_equal(se_curve_count, 20);
    for (size_t i = 0; i < se_curve_count; i++)
        if (se_curve_table[i].info.id == SE_CURVE_BN256)
            check_bn(&se_curve_table[i]);
        else if (se_curve_table[i].info.kind == SE_CURVE_WEIERSTRASS)
            check(&se_curve_table[i]);
        else
            check_bare(&se_curve_table[i]);
}

static void names(void **state)
{
    assert_int_equal(se_curve_by_name("nist_p256")->id, SE_CURVE_P256);
    assert_int_equal(se_curve_by_name("P-256")->id, SE_CURVE_P256);
    assert_int_equal(se_curve_by_name("secp256r1")->id, SE_CURVE_P256);
    assert_null(se_curve_by_name("P-25"));
    assert_null(se_curve_by_name("secp256r1 prime256v1"));
    assert_null(se_curve_by_name(""));
    assert_null(se_curve_by_name("sect283k1"));
    assert_null(se_curve_by_id(0));
    assert_null(se_curve_by_id(0x12));
    assert_null(se_curve_by_oid_der((struct slice){ 0 }));
    assert_null(se_curve_at(se_curve_count));
    assert_null(se_curve_by_oid_der(SLICE_LIT("\x06\x01\x2a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_curve), cmocka_unit_test(names) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
