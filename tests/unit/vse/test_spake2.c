/* The vectors with HMAC are RFC 9383's, appendix C. Those with CMAC are of draft-bar-cfrg-spake2plus-08,
 * which the RFC was made from: the computation is the same. All: client and server. */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/spake2.h"

struct vector {
    uint8_t mode;
    const char *context, *w0, *w1, *l, *x, *share_p, *y, *share_v, *confirm_p, *confirm_v, *key;
};

/* clang-format off */
static const struct vector vectors[] = {
    { SE_PAKE_P256_SHA256_HMAC, "SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors",
      "bb8e1bbcf3c48f62c08db243652ae55d3e5586053fca77102994f23ad95491b3",
      "7e945f34d78785b8a3ef44d0df5a1a97d6b3b460409a345ca7830387a74b1dba",
      "04eb7c9db3d9a9eb1f8adab81b5794c1f13ae3e225efbe91ea487425854c7fc00f00bfedcbd09b2400142d40a14f2064ef31dfaa903b91d1faea7093d835966efd",
      "d1232c8e8693d02368976c174e2088851b8365d0d79a9eee709c6a05a2fad539",
      "04ef3bd051bf78a2234ec0df197f7828060fe9856503579bb1733009042c15c0c1de127727f418b5966afadfdd95a6e4591d171056b333dab97a79c7193e341727",
      "717a72348a182085109c8d3917d6c43d59b224dc6a7fc4f0483232fa6516d8b3",
      "04c0f65da0d11927bdf5d560c69e1d7d939a05b0e88291887d679fcadea75810fb5cc1ca7494db39e82ff2f50665255d76173e09986ab46742c798a9a68437b048",
      "926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527",
      "9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68",
      "0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7" },
    { SE_PAKE_P256_SHA512_HMAC, "SPAKE2+-P256-SHA512-HKDF-SHA512-HMAC-SHA512 Test Vectors",
      "1cc5207d6e34b8f7828206fb64b86aa9c712bc952abf251bb9f5856b24d8c8cc",
      "4279649e62532b01dc27d2ed39100ba350518fb969672061a01edce752d0e672", NULL,
      "b586ab83f175c1a2b56b6a1b6a283523f88a9befcf11e22efb48e2ee1fe69a23",
      "04a7928c4b47f6b8657a5b8ebcb6f1bd266192e152fb9745a4180c94657a2f323b4d50d536c0325cdb0ec42c9bd8db8d7af3ff6dc85edb4b5365375c62e09def4a",
      "ac1fb828f041782d452ea9cc00c3fa34a55fa8f7f98c04be45a3d607b092d441",
      "04498c29e37dbd53ebf8db76679901d90c6be3af57f46ac3025b32420839f0489c6c3b6bf5ddc8ecbc3d7c83d0891ad814a00ad23eba13197c9d96a5b10275e35d",
      "6b2469b56cf8ac3f94a8d0b533380ea6b3d0f46b3e12ee82550d49e129c2412728c9437a64ee5f80c8cdc5e8a30faa0a6deb8a5251346ba81bb6fc955b2304fc",
      "154174fc278a935e290b3352ba877e179fa9281c0a76928faea703c72d383b267511a5cf084cb07147efece94e3cfd91944e7baab856858fbebc087167b0f409",
      "11887659d9e002f34fa6cc270d33570f001b2a3fc0522b643c07327d09a4a9f47aab85813d13c585b53adf5ac9de5707114848f3dc31a4045f69a2cc1972b098" },
    { SE_PAKE_P384_SHA256_HMAC, "SPAKE2+-P384-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors",
      "097a61cbb1cee72bb654be96d80f46e0e3531151003903b572fc193f233772c23c22228884a0d5447d0ab49a656ce1d2",
      "18772816140e6c3c3938a693c600b2191118a34c7956e1f1cd5b0d519b56ea5858060966cfaf27679c9182129949e74f", NULL,
      "2f1bdbeda162ff2beba0293d3cd3ae95f663c53663378c7e18ee8f56a4a48b00d31ce0ef43606548da485058f12e8e73",
      "049fb0404ca7ce71fb85d3aaa8fd05fa054affac996135bc245149be09571e43e2bf76e00d6d52ac452b8224f6b9da31420a4f5e214b377546daad4d61da5ca0cfdea59a5a92ebdb6b42da5d14663b8d1f9eb97050139ab89788e0ada27b048fcf",
      "bbcaf02404a16ed4fa73b183f703a8d969386f3d34f5e98b3a904e760512f11757f07dfcf87a2ada8fc6d028445bd53e",
      "0493b1c1f6a30eac4ac4a15711e44640bae3576787627ee25411042981e94b2e9604b9374f66bb247bc431759212ef3fa0a20c087863b89efb32219e1337ce94be2175f8cb9fd50cf0b84772717fd063c52b69de1229a01ab840b55993287f32ed",
      "7ae825e242a5a1f86ad7db172c2c12fcb458b6a2b1ddfc96b2b7cfd2eed5f7ab",
      "1581062167d6a3d14493447cd170d408f6fdc58e31225438db86214167426a7a",
      "99758e838ae1a856589689fb55b6befe4e2382e6ebbeca1a6232a68f9dc04c1a" },
    { SE_PAKE_P384_SHA512_HMAC, "SPAKE2+-P384-SHA512-HKDF-SHA512-HMAC-SHA512 Test Vectors",
      "b8d44a0982b88abe19b724d4bdafba8c90dc93130e0bf4f8062810992326da126fd01db53e40250ca33a3ff302044cb0",
      "2373e2071c3bb2a6d53ece57830d56f8080189816803c22375d6a4a514f9d161b64d0f05b97735b98b348f9b33cc2e30", NULL,
      "5a835d52714f30d2ef539268b89df9558628400063dfa0e41eb979066f4caf409bbf7aab3ddddea13f1b070a1827d3d4",
      "042f382eef464a2c9aecfdf4b81d25c4de2de113ba67405ce336c762c69217ae7e27bda875144140d7536c4cc08b9b4dace5f872a6a2ed57f34042688ad3c5d446c187dc0caf9cea812df3a4dd6fdbc64b9d7d7d7ff4bf6965abb06eeb108d55ee",
      "c883ee5b08cf7ba122038c279459ab1a730f85f2d624a02732d519faab56a498e773a8dec6c447ed02d5c00303a18bc4",
      "04d72e11eee332305062454c0a058b8103a3304785d445510cd8d101e9cb44cfb159cb7b72123abaf719ab1c42e0558c84c14b0886e8b446e4c880bff2f4b291fafafc748cb4115824e66732bdeba7fae176388e228ab9d7546255994ca3fb5a52",
      "7f806ae56ea3e49a8b16ffee528086489418913641f529d50ff92aa456ad4648e522f9540b403bff6bd94ee1adc95c7d1b2666f7ba6f9c10748bc7bfb4181d27",
      "8daa262decb79cceda4421f4f8dacf22ec027c08e036f071beea563c8e00813a29807963ff9d7d6bbff48dd5bdcdd9ca9fd7ffc272b162258d981913f7253dcb",
      "31e0075a823b9269af5769d71ef3b2f5001cbfe044584fe8551124a217dad078415630bf3eda16b5a38341d418a6d72b3960f818a0926f0de88784b59d6a694b" },
    { SE_PAKE_P521_SHA512_HMAC, "SPAKE2+-P521-SHA512-HKDF-SHA512-HMAC-SHA512 Test Vectors",
      "009c79bcd7656716314fca5a6e2c5cda7ef86131399438e012a043051e863f60b5aeb3c101731e1505e721580f48535a9b0456b231b9266ae6fff49ee90d25f72f5f",
      "01632c15f51fcd916cd79e19075f8a69b72b0099922ad62ff8d540b469569f0aa027047aed2b3f242ea0ac4288b4e4db6a4e5946d8ad32b42192c5aa66d9ef8e1b33",
      NULL,
      "00b69e3bb15df82c9fa0057461334e2c66ab92fc9b8d3662eec81216ef5ddc4a43f19e90dedaa2d72502f69673a115984ffcf88e03a9364b07102114c5602cd93c69",
      "0400a14431edf6852ff5fe868f8683e16e9e0a45d9e27f9a96442285ac6b161fc0bf267362a5ffb06f9cbd14b7a37e492146d77cae4c77812df00a91dbae09e27e1fac00ae019317ef9768548325bca35ce258e6206fe03c6338b2eb889d09d9f11400a36cf6328a7e1f81c6c7a2af7ff1d9b5210768318f27e57b75b39b9fbfc7b37a60ab",
      "0056d01c5246fbde964c0493934b7ece89eafd943eb27d357880a2a22022499e249528c5707b1afe8794c8a1d60ceedaeed96dd0dd904ea075f096c9fec5da7de496",
      "0401aa5af0f3027f63b7170572db5ff06dd1f3d6ea8ea771b26b434fbbc6c9de7d80975131c9c2e94d30c0ed2d62449c4c1b7e95037a85ed7598e415a259126365e89500d0f2156b551b70416d719944736990f346f6f9ba4fbaf2f63e09873690bcf730582e0a7b03ffede50f5787b631d5021a94287f0a29a081b62b9f5a3bf393b001b3",
      "f0f5c903dfa42fe367659656a26058cd984b76a8e91ae4d0fa4c13db149008e2ae57713fb230a627761174fefd263b9c10e9a4b6a3746cde59c5943040c17133",
      "a8f7ab43f3a800171d3a3fb26d742e1ed236c2d5804ecd328f220a7d245cd2e3bfb6c0526983bff9229c94f70fe64ba9bb5a4d0dc10afcda64a4c96d4c3d81ad",
      "d1c170e4e55efacb9db8abad286293ebd1dcf24f13973427b9632bbc323e42e447afca2aa7f74f2af3fb5f51684ec543db854b7002cde6799c330b032ba8820a" },
    { SE_PAKE_P256_SHA256_CMAC, "SPAKE2+-P256-SHA256-CMAC-AES-128 Test Vectors",
      "fde060103a72526b8be9af9be851582aa44615c406254c777e69c2c6fb6a4ec6",
      "cec29581ecf80a237df1ff00d7150e41919a4235cdb9b10d3e1aaae9b3db79ab",
      "044ced7ff0754a4c16728eb9235a387712af1ae3564a7be257c9c1b0ddca85b3cd3e26ea30e041d929fc709b86ab2f2bce3f63867c526a93dd3710b65a1aa63599",
      "87075f67b1bf933df0345ede4567d74269a6c406b3b0107c1fdcb0ceca995b30",
      "043c230b8ec315a076221bb91f16e663e45b6fee6c4b65bf95ee936cb47d042f5e2cb954fb7acf72542fc95f31662e56dbb2224d14032761a7ed8c5cb337050dd2",
      "adab37f45722d37b043a29120f6ccf3296caf011ac701834314566d38b864f7f",
      "04d90ae972e7805e61823329fe88e675eddcd95482d155aa564c7bf9057dab9ad87f30ab7fe00b6779a3a7c85ec11d983e78fd0dc598df5198728eef472603a868",
      "870e8b23b33d81d7ba2e60eef2efa71a", "3a6e352db6ed168eefca1a25a635ce3e",
      "069a1337f935c08a322ebc514328939ffbe9c72e3a2e25491636afec3f83b1db" },
    { SE_PAKE_P256_SHA512_CMAC, "SPAKE2+-P256-SHA512-CMAC-AES-128 Test Vectors",
      "98369d63627c363eaa3fb17a95a43555d1ee00f24d4f3c06e18184e5894eb002",
      "829644923b86253ba37919a8a40ba8dc67161d176c99ac65a598e8acdc0b845f",
      "04cdc6a89284ed1590302d9641651f74fc767cb85b2c4127ee22cdee40a6a168b56e8ef3196f6bd2d509690621a16db3ba75cbff395e8a0b7b48b0fe61df46ed64",
      "d888f116b056241dd956b99e5e4328380cd083eb48ac57ec8f47ff6c22b95566",
      "04d8de5bcc061291b2692a490c75f3c3520f4fd05bdb941db7b396f2dcdd183f51483a4e2df92322450a193fac4520ba9fc862bdea8072bb2e7ff054297cf25451",
      "cfca1044d92914e50190e9447f343f5bd3ac80ea4a71fa76bd93b02c1eb1aeec",
      "04d1da76bb56787ff34ce8458d7ebc506997519e10cc072ce5b6e5260516608244ff3e309b868c270eb445af69a8b41629233d0abce1ce07ea8292e158291f286d",
      "85d57fe6fbca9a8556d5eff677a88ea9", "c8c42b76190f907e042a343fcf938c96",
      "a3eb2e832f7d0fe24a130afb8c6da1fa86249a6da095c1ba2393e4e57c7b8ccbd0e4a2641a18ed3d92a602ffa057bb60cd4fc9fa90dd100de0318e7a392d723a" },
};
/* clang-format on */

/* A value of a vector, or an empty one. Borrowed until the next four calls. */
static struct slice h(const char *text)
{
    static struct buf ring[4];
    static unsigned at;
    struct buf *b = &ring[at++ % ARRAY_LEN(ring)];

    buf_done(b);
    *b = BUF_INIT(256);
    if (text)
        assert_int_equal(hex_decode(b, slice_str(text)), ERR_OK);
    return buf_slice(b);
}

static void is(const struct buf *got, const char *want)
{
    struct slice w = h(want);

    assert_int_equal(got->n, w.n);
    assert_memory_equal(got->p, w.p, w.n);
}

static struct vse_spake2 *side(const struct vector *v, uint8_t device)
{
    struct vse_spake2 *s;

    assert_int_equal(vse_spake2_new(v->mode, device, &s), ERR_OK);
    assert_int_equal(vse_spake2_names(s, slice_str(v->context), SLICE_LIT("client"), SLICE_LIT("server")),
                     ERR_OK);
    assert_int_equal(vse_spake2_credentials(s, h(v->w0), h(device == SE_PAKE_DEVICE_A ? v->w1 : v->l)),
                     ERR_OK);
    return s;
}

static void finish(struct vse_spake2 *s, const char *peer, const char *key, const char *mine,
                   const char *theirs)
{
    autobuf secret = BUF_INIT(VSE_SPAKE2_KEY_MAX), confirm = BUF_INIT(VSE_SPAKE2_KEY_MAX);
    bool good;

    assert_int_equal(vse_spake2_state(s), SE_PAKE_SHARED);
    assert_int_equal(vse_spake2_keys(s, h(peer), &secret, &confirm), ERR_OK);
    is(&secret, key);
    is(&confirm, mine);
    assert_int_equal(vse_spake2_state(s), SE_PAKE_KEYS);
    assert_int_equal(vse_spake2_confirmed(s, h(theirs), &good), ERR_OK);
    assert_true(good);
    assert_int_equal(vse_spake2_confirmed(s, h(mine), &good), ERR_OK);
    assert_false(good);
    assert_int_equal(vse_spake2_confirmed(s, slice_head(h(theirs), 8), &good), ERR_OK);
    assert_false(good);
}

static void the_published_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        autobuf share = BUF_INIT(VSE_SPAKE2_SHARE_MAX);
        struct vse_spake2 *s = side(v, SE_PAKE_DEVICE_A);

        assert_int_equal(vse_spake2_share(s, (struct slice){ 0 }, h(v->x), &share), ERR_OK);
        is(&share, v->share_p);
        finish(s, v->share_v, v->key, v->confirm_p, v->confirm_v);
        vse_spake2_free(s);
        if (!v->l)
            continue;
        buf_clear(&share);
        s = side(v, SE_PAKE_DEVICE_B);
        assert_int_equal(vse_spake2_share(s, h(v->share_p), h(v->y), &share), ERR_OK);
        is(&share, v->share_v);
        finish(s, v->share_p, v->key, v->confirm_v, v->confirm_p);
        vse_spake2_free(s);
    }
}

static void random_shares_differ(void **state)
{
    autobuf a = BUF_INIT(VSE_SPAKE2_SHARE_MAX), b = BUF_INIT(VSE_SPAKE2_SHARE_MAX);
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct vse_spake2 *s = side(&vectors[0], SE_PAKE_DEVICE_A);
        assert_int_equal(vse_spake2_share(s, (struct slice){ 0 }, (struct slice){ 0 }, i ? &b : &a), ERR_OK);
        vse_spake2_free(s);
    }
    assert_int_equal(a.n, 65);
    assert_memory_not_equal(a.p, b.p, 65);
}

/* The prover's mask alone: what is left without it is the point at infinity, and any password would do. */
static void shares_that_are_none(void **state)
{
    static const char off_the_curve[] =
        "04886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f5ff355163e43ce224e0b0e65ff02ac8e5c"
        "7be09419c785e0ca547d55a12e2d21";
    static const char *const bad[] = {
        off_the_curve,
        "02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f", /* compressed */
        "00",
        "",
    };
    const struct vector *v = &vectors[0];
    struct vse_spake2 *a = side(v, SE_PAKE_DEVICE_A), *b = side(v, SE_PAKE_DEVICE_B);
    autobuf out = BUF_INIT(256), confirm = BUF_INIT(256);
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(vse_spake2_share(b, h(bad[i]), (struct slice){ 0 }, &out), ERR_INVALID);
    assert_int_equal(vse_spake2_share(a, h(v->share_v), (struct slice){ 0 }, &out),
                     ERR_INVALID); /* has none yet */
    assert_int_equal(out.n, 0);
    assert_int_equal(vse_spake2_share(a, (struct slice){ 0 }, h(v->x), &out), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(vse_spake2_keys(a, h(bad[i]), &out, &confirm), ERR_INVALID);
    assert_int_equal(vse_spake2_share(b, h(v->share_p), h(v->y), &out), ERR_OK);
    assert_int_equal(vse_spake2_keys(b, h(v->share_v), &out, &confirm),
                     ERR_INVALID); /* another than before */
    vse_spake2_free(a);
    vse_spake2_free(b);
}

static void a_share_that_cancels_the_password(void **state)
{
    struct vector v = vectors[0];
    struct vse_spake2 *b;
    autobuf out = BUF_INIT(256), confirm = BUF_INIT(256);
    (void)state;

    v.w0 = "0000000000000000000000000000000000000000000000000000000000000001";
    b = side(&v, SE_PAKE_DEVICE_B);
    v.share_p = /* M itself */
        "04886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f5ff355163e43ce224e0b0e65ff02ac8e5c"
        "7be09419c785e0ca547d55a12e2d20";
    assert_int_equal(vse_spake2_share(b, h(v.share_p), (struct slice){ 0 }, &out), ERR_OK);
    assert_int_equal(vse_spake2_keys(b, h(v.share_p), &out, &confirm), ERR_INVALID);
    assert_int_equal(confirm.n, 0);
    vse_spake2_free(b);
}

static void credentials_are_numbers_of_the_curve(void **state)
{
    static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const struct vector *v = &vectors[0];
    struct vse_spake2 *s;
    autobuf out = BUF_INIT(256);
    (void)state;

    assert_int_equal(vse_spake2_new(v->mode, SE_PAKE_DEVICE_A, &s), ERR_OK);
    assert_int_equal(vse_spake2_credentials(s, h(zero), h(v->w1)), ERR_INVALID);
    assert_int_equal(vse_spake2_credentials(s, h(order), h(v->w1)), ERR_INVALID);
    assert_int_equal(vse_spake2_credentials(s, h(v->w0), h(order)), ERR_INVALID);
    assert_int_equal(vse_spake2_credentials(s, h(v->w0), h(v->l)), ERR_INVALID);
    assert_int_equal(vse_spake2_credentials(s, slice_skip(h(v->w0), 1), h(v->w1)), ERR_INVALID);
    assert_int_equal(vse_spake2_share(s, (struct slice){ 0 }, (struct slice){ 0 }, &out), ERR_WRONG_STATE);
    vse_spake2_free(s);
    assert_int_equal(vse_spake2_new(v->mode, SE_PAKE_DEVICE_B, &s), ERR_OK);
    assert_int_equal(vse_spake2_credentials(s, h(v->w0), h(v->w1)), ERR_INVALID);
    vse_spake2_free(s);
    assert_int_equal(vse_spake2_new(v->mode, 3, &s), ERR_INVALID);
    assert_int_equal(vse_spake2_new(0x06, SE_PAKE_DEVICE_A, &s), ERR_UNSUPPORTED);
}

static void in_order(void **state)
{
    const struct vector *v = &vectors[0];
    uint8_t name[VSE_SPAKE2_NAME_MAX + 1] = { 0 };
    struct vse_spake2 *s;
    autobuf out = BUF_INIT(256), confirm = BUF_INIT(256);
    bool good;
    (void)state;

    assert_int_equal(vse_spake2_new(v->mode, SE_PAKE_DEVICE_A, &s), ERR_OK);
    assert_int_equal(vse_spake2_credentials(s, h(v->w0), h(v->w1)), ERR_OK);
    assert_int_equal(vse_spake2_share(s, (struct slice){ 0 }, (struct slice){ 0 }, &out), ERR_WRONG_STATE);
    assert_int_equal(vse_spake2_names(s, SLICE_ARRAY(name), SLICE_LIT("a"), SLICE_LIT("b")), ERR_TOO_BIG);
    assert_int_equal(vse_spake2_share(s, (struct slice){ 0 }, (struct slice){ 0 }, &out), ERR_WRONG_STATE);
    assert_int_equal(vse_spake2_names(s, (struct slice){ 0 }, (struct slice){ 0 }, (struct slice){ 0 }),
                     ERR_OK);
    assert_int_equal(vse_spake2_keys(s, h(v->share_v), &out, &confirm), ERR_WRONG_STATE);
    assert_int_equal(vse_spake2_confirmed(s, h(v->confirm_v), &good), ERR_WRONG_STATE);
    assert_int_equal(vse_spake2_state(s), SE_PAKE_SETUP);
    assert_int_equal(vse_spake2_share(s, (struct slice){ 0 }, (struct slice){ 0 }, &out), ERR_OK);
    assert_int_equal(vse_spake2_share(s, (struct slice){ 0 }, (struct slice){ 0 }, &out), ERR_WRONG_STATE);
    assert_int_equal(vse_spake2_names(s, (struct slice){ 0 }, (struct slice){ 0 }, (struct slice){ 0 }),
                     ERR_WRONG_STATE);
    assert_int_equal(vse_spake2_credentials(s, h(v->w0), h(v->w1)), ERR_WRONG_STATE);
    assert_int_equal(vse_spake2_keys(s, h(v->share_v), &out, &confirm), ERR_OK);
    assert_int_equal(vse_spake2_keys(s, h(v->share_v), &out, &confirm), ERR_WRONG_STATE);
    vse_spake2_free(s);
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        (void)h(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_numbers),
        cmocka_unit_test(random_shares_differ),
        cmocka_unit_test(shares_that_are_none),
        cmocka_unit_test(a_share_that_cancels_the_password),
        cmocka_unit_test(credentials_are_numbers_of_the_curve),
        cmocka_unit_test(in_order),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
