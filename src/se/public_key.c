/* The installed library: keys (include/sedge/se_key.h). */
#include "se/agree.h"
#include "se/key.h"
#include "se/public.h"

static struct se_rsa_pair rsa_of(const struct sedge_se_rsa *k)
{
    return (struct se_rsa_pair){ in(k->n),  in(k->e),  in(k->p),    in(k->q),
                                 in(k->dp), in(k->dq), in(k->qinv), in(k->d) };
}

sedge_err sedge_se_generate_ec(sedge_se *se, uint32_t id, uint8_t curve, const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_ec_generate(chip(se), id, curve, h.how));
}

sedge_err sedge_se_write_ec_pair(sedge_se *se, uint32_t id, uint8_t curve, sedge_bytes scalar,
                                 sedge_bytes point, const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_ec_write_pair(chip(se), id, curve, in(scalar), in(point), h.how));
}

sedge_err sedge_se_write_ec_private(sedge_se *se, uint32_t id, uint8_t curve, sedge_bytes scalar,
                                    const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_ec_write_private(chip(se), id, curve, in(scalar), h.how));
}

sedge_err sedge_se_write_ec_public(sedge_se *se, uint32_t id, uint8_t curve, sedge_bytes point,
                                   const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_ec_write_public(chip(se), id, curve, in(point), h.how));
}

sedge_err sedge_se_ec_public(sedge_se *se, uint32_t id, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_ec_public(chip(se), id, &b), &b, ret);
}

sedge_err sedge_se_ec_curve(sedge_se *se, uint32_t id, uint8_t *ret_curve)
{
    return (sedge_err)se_ec_curve(chip(se), id, ret_curve);
}

sedge_err sedge_se_sign_ecdsa(sedge_se *se, uint32_t id, sedge_bytes digest, sedge_out *ret_der)
{
    autobuf b = room_for(ret_der);

    return give(se_ec_sign(chip(se), id, in(digest), &b), &b, ret_der);
}

sedge_err sedge_se_verify_ecdsa(sedge_se *se, uint32_t id, sedge_bytes digest, sedge_bytes der,
                                bool *ret_good)
{
    return (sedge_err)se_ec_verify(chip(se), id, in(digest), in(der), ret_good);
}

sedge_err sedge_se_sign_ed25519(sedge_se *se, uint32_t id, sedge_bytes message,
                                uint8_t ret[SEDGE_SE_ED_SIGNATURE_LEN])
{
    return (sedge_err)se_ed_sign(chip(se), id, in(message), ret);
}

sedge_err sedge_se_verify_ed25519(sedge_se *se, uint32_t id, sedge_bytes message,
                                  const uint8_t signature[SEDGE_SE_ED_SIGNATURE_LEN], bool *ret_good)
{
    return (sedge_err)se_ed_verify(chip(se), id, in(message), signature, ret_good);
}

sedge_err sedge_se_sign_ecdaa(sedge_se *se, uint32_t id, sedge_bytes digest, sedge_bytes random,
                              sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_ec_sign_ecdaa(chip(se), id, in(digest), in(random), &b), &b, ret);
}

sedge_err sedge_se_agree(sedge_se *se, uint32_t id, uint8_t curve, sedge_bytes peer, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_ec_agree(chip(se), id, curve, in(peer), SE_AGREE_X, &b), &b, ret);
}

sedge_err sedge_se_agree_sha1(sedge_se *se, uint32_t id, uint8_t curve, sedge_bytes peer, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_ec_agree(chip(se), id, curve, in(peer), SE_AGREE_X_SHA1, &b), &b, ret);
}

sedge_err sedge_se_agree_into(sedge_se *se, uint32_t id, uint8_t curve, sedge_bytes peer, uint32_t target)
{
    return (sedge_err)se_ec_agree_into(chip(se), id, curve, in(peer), target);
}

sedge_err sedge_se_multiply(sedge_se *se, uint32_t id, uint8_t algorithm, sedge_bytes point,
                            uint32_t point_id, uint32_t target, sedge_out *ret)
{
    const struct se_multiply m = { in(point), point_id, target, algorithm };
    autobuf b = BUF_SECRET(ret ? ret->room : 0);
    err_t e = se_ec_multiply(chip(se), id, &m, &b);

    return ret ? give(e, &b, ret) : (sedge_err)e;
}

sedge_err sedge_se_generate_rsa(sedge_se *se, uint32_t id, size_t bits, const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_rsa_generate(chip(se), id, bits, h.how));
}

sedge_err sedge_se_generate_rsa_plain(sedge_se *se, uint32_t id, size_t bits,
                                      const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_rsa_generate_plain(chip(se), id, bits, h.how));
}

sedge_err sedge_se_write_rsa_pair(sedge_se *se, uint32_t id, const struct sedge_se_rsa *key,
                                  const struct sedge_se_write *how)
{
    const struct se_rsa_pair pair = rsa_of(key);
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_rsa_write_pair(chip(se), id, &pair, h.how));
}

sedge_err sedge_se_write_rsa_private(sedge_se *se, uint32_t id, const struct sedge_se_rsa *key,
                                     const struct sedge_se_write *how)
{
    const struct se_rsa_pair pair = rsa_of(key);
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_rsa_write_private(chip(se), id, &pair, h.how));
}

sedge_err sedge_se_write_rsa_public(sedge_se *se, uint32_t id, sedge_bytes n, sedge_bytes e,
                                    const struct sedge_se_write *how)
{
    struct how h;
    err_t bad = se_how_of(how, &h);

    return (sedge_err)(bad ? bad : se_rsa_write_public(chip(se), id, in(n), in(e), h.how));
}

sedge_err sedge_se_rsa_public(sedge_se *se, uint32_t id, sedge_out *ret_n, sedge_out *ret_e)
{
    autobuf n = room_for(ret_n), e = room_for(ret_e);
    err_t bad = se_rsa_public(chip(se), id, &n, &e);

    if (bad)
        return (sedge_err)bad;
    (void)give(ERR_OK, &n, ret_n);
    return give(ERR_OK, &e, ret_e);
}

sedge_err sedge_se_sign_rsa(sedge_se *se, uint32_t id, uint8_t algorithm, sedge_bytes message, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_rsa_sign(chip(se), id, algorithm, in(message), &b), &b, ret);
}

sedge_err sedge_se_verify_rsa(sedge_se *se, uint32_t id, uint8_t algorithm, sedge_bytes message,
                              sedge_bytes signature, bool *ret_good)
{
    return (sedge_err)se_rsa_verify(chip(se), id, algorithm, in(message), in(signature), ret_good);
}

sedge_err sedge_se_encrypt_rsa(sedge_se *se, uint32_t id, uint8_t algorithm, sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_rsa_encrypt(chip(se), id, algorithm, in(data), &b), &b, ret);
}

sedge_err sedge_se_decrypt_rsa(sedge_se *se, uint32_t id, uint8_t algorithm, sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_rsa_decrypt(chip(se), id, algorithm, in(data), &b), &b, ret);
}

sedge_err sedge_se_curve_ensure(sedge_se *se, uint8_t curve)
{
    return (sedge_err)se_curve_ensure(chip(se), curve);
}

sedge_err sedge_se_curve_list(sedge_se *se, bool set[SEDGE_SE_CURVE_WEIERSTRASS_COUNT + 1])
{
    return (sedge_err)se_curve_list(chip(se), set);
}

sedge_err sedge_se_curve_delete(sedge_se *se, uint8_t curve)
{
    return (sedge_err)se_curve_delete(chip(se), curve);
}
