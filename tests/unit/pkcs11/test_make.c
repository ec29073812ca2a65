/* An object of several commands whose chip goes away in the middle: the module's second try makes it whole.
 */
#include "../cm.h"
#include "base/mem.h"
#include "pkcs11/device.h"
#include "pkcs11/module.h"
#include "se/chip_open.h"
#include "se/wire.h"
#include "vse/applet.h"
#include "vse/personality.h"
#include "vse/provision.h"

#define VALUE_LEN 2500 /* five pieces; the sixth is the directory */

static struct vse_applet applet;
static CK_FUNCTION_LIST *f;
static unsigned file_writes, dies_at; /* of the file's commands, the one that gets lost */
static bool gone;                     /* and all after it, to the end of the sequence */

struct model_path {
    struct se_path path;
    struct buf answer;
};

static err_t keep_nothing(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    return ERR_OK;
}

static err_t path_begin(struct se_path *path)
{
    gone = false;
    return ERR_OK;
}

static err_t path_send(struct se_path *path, struct slice apdu)
{
    struct model_path *p = CONTAINER_OF(path, struct model_path, path);

    if (apdu.p[1] == SE_INS_WRITE && apdu.p[2] == SE_P1_BINARY && ++file_writes == dies_at)
        gone = true;
    if (gone)
        return ERR_IO;
    buf_clear(&p->answer);
    vse_applet_run(&applet, apdu, &p->answer);
    return ERR_OK;
}

static err_t path_receive(struct se_path *path, int64_t deadline_ms, struct slice *ret_answer)
{
    *ret_answer = buf_slice(&CONTAINER_OF(path, struct model_path, path)->answer);
    return ERR_OK;
}

static void path_nothing(struct se_path *path)
{
}

static void path_close(struct se_path *path)
{
    struct model_path *p = CONTAINER_OF(path, struct model_path, path);

    buf_done(&p->answer);
    free(p);
}

static const struct se_path_ops path_ops = { path_begin,   path_send,  path_receive, path_nothing,
                                             path_nothing, path_close, path_close };

static err_t open_model(struct se_chip **ret)
{
    struct model_path *p = mem_calloc(1, sizeof(*p));

    if (!p)
        return ERR_NOMEM;
    p->path.ops = &path_ops;
    p->path.state.version = (struct se_version){ 3, 1, 0, 0x3fff, 0x010b };
    p->path.state.generation = 1;
    p->answer = BUF_INIT(SE_ANSWER_MAX);
    return se_chip_open_path(&p->path, ret);
}

static int power_on(void **state)
{
    static const struct slice select = SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00");
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    file_writes = dies_at = 0;
    vse_applet_init(&applet, &vse_personality_3_1, (struct vse_nvm){ NULL, keep_nothing });
    if (vse_applet_provision(&applet, VSE_FACTORY_EC) != ERR_OK)
        return -1;
    vse_applet_run(&applet, select, &out);
    p11_device_set_opener(open_model);
    return C_GetFunctionList(&f) == CKR_OK ? 0 : -1;
}

static int power_off(void **state)
{
    vse_applet_done(&applet);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_piece_gets_lost, power_on, power_off),
        cmocka_unit_test_setup_teardown(a_later_piece_gets_lost, power_on, power_off),
        cmocka_unit_test_setup_teardown(the_directory_gets_lost, power_on, power_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
