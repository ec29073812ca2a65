/* An object of several commands whose chip goes away in the middle: the module's second try makes it whole.
 */
#include "../cm.h"
#include "base/crc.h"
#include "model_chip.h"
#include "pkcs11/directory.h"
#include "pkcs11/module.h"
#include "pkcs11/object.h"
#include "pkcs11/store.h"
#include "se/object.h"

#define VALUE_LEN 2500 /* five pieces; the sixth is the directory */

static CK_FUNCTION_LIST *f;
static unsigned file_writes, dies_at; /* of the file's commands, the one that gets lost */
static bool gone;                     /* and all after it, to the end of the sequence */

static void begin_sequence(void)
{
    gone = false;
}

static err_t lose(struct slice apdu)
{
    if (apdu.p[1] == SE_INS_WRITE && apdu.p[2] == SE_P1_BINARY && ++file_writes == dies_at)
        gone = true;
    return gone ? ERR_IO : ERR_OK;
}

static int power_on(void **state)
{
    file_writes = dies_at = 0;
    model_begins = begin_sequence;
    model_lose = lose;
    return model_power_on() && C_GetFunctionList(&f) == CKR_OK ? 0 : -1;
}

static int power_off(void **state)
{
    vse_applet_done(&model_applet);
    return 0;
}

static CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE h = 0;

    assert_int_equal(f->C_Initialize(NULL), CKR_OK);
    assert_int_equal(f->C_OpenSession(1, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &h), CKR_OK);
    return h;
}

/* What another program reads of the object with this label. */
static void assert_stored(CK_ATTRIBUTE *label, const uint8_t want[VALUE_LEN])
{
    uint8_t got[VALUE_LEN + 1];
    CK_ATTRIBUTE value = { CKA_VALUE, got, sizeof(got) };
    CK_SESSION_HANDLE h = open_session();
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG n = 0;

    assert_int_equal(f->C_FindObjectsInit(h, label, 1), CKR_OK);
    assert_int_equal(f->C_FindObjects(h, &o, 1, &n), CKR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(f->C_GetAttributeValue(h, o, &value, 1), CKR_OK);
    assert_int_equal(value.ulValueLen, VALUE_LEN);
    assert_memory_equal(got, want, VALUE_LEN);
    assert_int_equal(f->C_Finalize(NULL), CKR_OK);
}

static void store_with_loss_at(unsigned command)
{
    uint8_t bytes[VALUE_LEN], label[] = { 'k', 'e', 'p', 't' };
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE t[] = { { CKA_LABEL, label, sizeof(label) },
                         { CKA_CLASS, &class, sizeof(class) },
                         { CKA_TOKEN, &yes, sizeof(yes) },
                         { CKA_VALUE, bytes, sizeof(bytes) } };
    CK_SESSION_HANDLE h = open_session();
    CK_OBJECT_HANDLE o = 0;

    memset(bytes, 0xa5, sizeof(bytes));
    dies_at = command;
    assert_int_equal(f->C_CreateObject(h, t, ARRAY_LEN(t), &o), CKR_OK);
    assert_true(file_writes > command); /* it did get lost */
    assert_int_equal(f->C_Finalize(NULL), CKR_OK);
    assert_stored(&t[0], bytes);
}

static void the_first_piece_gets_lost(void **state)
{
    store_with_loss_at(1);
}

static void a_later_piece_gets_lost(void **state)
{
    store_with_loss_at(2);
}

static void the_directory_gets_lost(void **state)
{
    store_with_loss_at(6);
}

/* The directory in the chip becomes one of the next format. Returns which of the two ids has it. */
static uint32_t make_directory_newer(struct buf *out)
{
    static const uint32_t ids[] = { P11_ID_DIRECTORY_A, P11_ID_DIRECTORY_B };
    struct se_chip *chip = NULL;
    uint32_t id = 0;

    assert_int_equal(model_open(&chip), ERR_OK);
    for (size_t i = 0; !id && i < ARRAY_LEN(ids); i++) {
        buf_clear(out);
        if (se_object_read(chip, ids[i], out) == ERR_OK)
            id = ids[i];
    }
    assert_true(id != 0);
    size_t whole = 0;
    assert_int_equal(p11_directory_size(buf_slice(out), &whole), ERR_OK);
    out->p[4]++;
    uint32_t crc = crc32_ieee(slice_of(out->p, P11_DIRECTORY_HEADER - 4));
    crc = crc32_ieee_add(crc, slice_of(out->p + P11_DIRECTORY_HEADER, whole - P11_DIRECTORY_HEADER));
    for (int i = 0; i < 4; i++)
        out->p[P11_DIRECTORY_HEADER - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
    assert_int_equal(se_object_write_binary(chip, id, buf_slice(out), NULL), ERR_OK);
    se_chip_close(chip);
    return id;
}

/* An older module keeps its hands off what a later one wrote. */
static void a_later_directory_is_left_alone(void **state)
{
    autobuf before = BUF_INIT(P11_DIRECTORY_MAX), after = BUF_INIT(P11_DIRECTORY_MAX);
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE t[] = { { CKA_LABEL, (void *)"more", 4 },
                         { CKA_CLASS, &class, sizeof(class) },
                         { CKA_TOKEN, &yes, sizeof(yes) },
                         { CKA_VALUE, (void *)"text", 4 } };
    struct se_chip *chip = NULL;
    CK_OBJECT_HANDLE o = 0;

    store_with_loss_at(1);
    uint32_t id = make_directory_newer(&before);
    CK_SESSION_HANDLE h = open_session();
    assert_int_not_equal(f->C_CreateObject(h, t, ARRAY_LEN(t), &o), CKR_OK);
    assert_int_not_equal(f->C_FindObjectsInit(h, NULL, 0), CKR_OK);
    assert_int_equal(f->C_Finalize(NULL), CKR_OK);
    assert_int_equal(model_open(&chip), ERR_OK);
    assert_int_equal(se_object_read(chip, id, &after), ERR_OK);
    assert_true(slice_eq(buf_slice(&before), buf_slice(&after)));
    se_chip_close(chip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_piece_gets_lost, power_on, power_off),
        cmocka_unit_test_setup_teardown(a_later_piece_gets_lost, power_on, power_off),
        cmocka_unit_test_setup_teardown(the_directory_gets_lost, power_on, power_off),
        cmocka_unit_test_setup_teardown(a_later_directory_is_left_alone, power_on, power_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
