/* Answers from a hostile applet to every call of the object API.
 *
 * Input: `which(1)`, then answers `length(2) bytes`; when they run out the part answers 6985. */
#include "../../unit/se/fake_part.h"
#include "base/mem.h"
#include "base/reader.h"
#include "se/key.h"
#include "se/object.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reader input;

static void answer_from_input(struct slice apdu, struct buf *answer)
{
    size_t n = reader_be16(&input);

    n = n > input.rest.n ? input.rest.n : n;
    if (n == 0)
        (void)buf_add(answer, SLICE_LIT("\x69\x85"));
    else
        (void)buf_add(answer, reader_bytes(&input, n > 3000 ? 3000 : n));
}

#define V32 SLICE_LIT("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv")
#define V64 SLICE_LIT("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv")

static void objects(struct se_chip *chip, uint8_t which, struct buf *out)
{
    struct se_crypto_object crypto[SE_CRYPTO_OBJECTS_MAX];
    struct se_object_type type;
    autofree uint32_t *ids = NULL;
    uint8_t bytes[600];
    uint32_t memory;
    size_t n;
    bool there;

    switch (which) {
    case 0:
        (void)se_object_exists(chip, 1, &there);
        break;
    case 1:
        (void)se_object_type(chip, 1, &type);
        break;
    case 2:
        (void)se_object_size(chip, 1, &n);
        break;
    case 3:
        (void)se_object_list(chip, SE_TYPE_ALL, &ids, &n);
        break;
    case 4:
        (void)se_object_read(chip, 1, out);
        break;
    case 5:
        (void)se_object_write_binary(chip, 1, V64, NULL);
        break;
    case 6:
        (void)se_object_delete(chip, 1);
        break;
    case 7:
        (void)se_chip_uid(chip, bytes);
        break;
    case 8:
        (void)se_chip_random(chip, bytes, sizeof(bytes));
        break;
    case 9:
        (void)se_chip_free_memory(chip, 1, &memory);
        break;
    default:
        (void)se_crypto_object_list(chip, crypto, &n);
        break;
    }
}

static void keys(struct se_chip *chip, uint8_t which, struct buf *out)
{
    const struct se_rsa_pair pair = { V64, V32, V32, V32, V32, V32, V32 };
    autobuf e = BUF_INIT(600);
    uint8_t curve;

    switch (which) {
    case 0:
        (void)se_ec_generate(chip, 1, SE_CURVE_P256, NULL);
        break;
    case 1:
        (void)se_ec_public(chip, 1, out);
        break;
    case 2:
        (void)se_ec_curve(chip, 1, &curve);
        break;
    case 3:
        (void)se_ec_sign(chip, 1, V32, out);
        break;
    case 4:
        (void)se_rsa_write_pair(chip, 1, &pair, NULL);
        break;
    case 5:
        (void)se_rsa_public(chip, 1, out, &e);
        break;
    case 6:
        (void)se_rsa_private_raw(chip, 1, V64, out);
        break;
    case 7:
        (void)se_rsa_decrypt_pkcs1(chip, 1, V64, out);
        break;
    default:
        (void)se_ec_write_private(chip, 1, SE_CURVE_P256, V32, NULL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autobuf out = BUF_INIT(4000);
    struct se_chip *chip = NULL;
    uint8_t which;

    input = reader_of(slice_of(data, size));
    which = reader_u8(&input);
    if (fake_part_open(answer_from_input, &chip))
        abort();
    if (which < 128)
        objects(chip, which % 11, &out);
    else
        keys(chip, which % 9, &out);
    se_chip_close(chip);
    return 0;
}
