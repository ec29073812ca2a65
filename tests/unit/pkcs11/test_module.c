#include "../cm.h"
#include "pkcs11/module.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* As the programs do: everything through the table. There is no chip in these tests. */
static CK_FUNCTION_LIST *f;

static CK_RV mutex_fn(void **mutex)
{
    return CKR_OK;
}

static CK_RV mutex_use(void *mutex)
{
    return CKR_OK;
}

static int load(void **state)
{
    setenv("EX_SSS_BOOT_SSS_PORT", "vse:/nonexistent/chip.sock", 1);
    return C_GetFunctionList(&f) == CKR_OK && f ? 0 : -1;
}

/* consumers §1: version 2.40, and no pointer NULL. */
static void the_table_is_whole(void **state)
{
    const unsigned char *p = (const unsigned char *)&f->C_Initialize;

    assert_int_equal(f->version.major, 2);
    assert_int_equal(f->version.minor, 40);
    for (; p < (const unsigned char *)(f + 1); p += sizeof(void *)) {
        void *entry = NULL;
        memcpy(&entry, p, sizeof(entry));
        assert_non_null(entry);
    }
    assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
}

/* consumers §2, each row of the table and each refusal. */
static void each_form_of_initialize(void **state)
{
    CK_C_INITIALIZE_ARGS os = { .flags = CKF_OS_LOCKING_OK },
                         p11kit = { .flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS },
                         aws = { mutex_fn, mutex_use, mutex_use, mutex_use, CKF_OS_LOCKING_OK, NULL },
                         callbacks_only = { mutex_fn, mutex_use, mutex_use, mutex_use, 0, NULL },
                         three = { mutex_fn, mutex_use, mutex_use, NULL, CKF_OS_LOCKING_OK, NULL },
                         one = { .UnlockMutex = mutex_use }, reserved = { .pReserved = &os };
    const struct {
        CK_C_INITIALIZE_ARGS *args;
        CK_RV want;
    } forms[] = {
        { NULL, CKR_OK },
        { &os, CKR_OK },
        { &p11kit, CKR_OK },
        { &aws, CKR_OK },
        { &callbacks_only, CKR_OK },
        { &three, CKR_ARGUMENTS_BAD },
        { &one, CKR_ARGUMENTS_BAD },
        { &reserved, CKR_ARGUMENTS_BAD },
    };

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        assert_int_equal(f->C_Initialize(forms[i].args), forms[i].want);
        if (forms[i].want == CKR_OK) {
            assert_int_equal(f->C_Initialize(forms[i].args), CKR_CRYPTOKI_ALREADY_INITIALIZED);
            assert_int_equal(f->C_Finalize(&os), CKR_ARGUMENTS_BAD);
            assert_int_equal(f->C_Finalize(NULL), CKR_OK);
        }
        assert_int_equal(f->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
}

static void nothing_works_before_initialize(void **state)
{
    CK_INFO info;
    CK_ULONG n = 0;
    CK_SESSION_HANDLE h;

    assert_int_equal(f->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(f->C_GetSlotList(CK_TRUE, NULL, &n), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(f->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &h), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(f->C_Sign(1, NULL, 0, NULL, &n), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(f->C_WrapKey(1, NULL, 0, 0, NULL, &n), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void texts_are_blank_padded(void **state)
{
    CK_INFO info;
    CK_SLOT_INFO slot;

    assert_int_equal(f->C_Initialize(NULL), CKR_OK);
    assert_int_equal(f->C_GetInfo(&info), CKR_OK);
    assert_int_equal(info.cryptokiVersion.minor, 40);
    assert_memory_equal(info.manufacturerID, "Sedge                           ", 32);
    assert_null(memchr(info.libraryDescription, 0, sizeof(info.libraryDescription)));
    assert_int_equal(f->C_GetSlotInfo(1, &slot), CKR_OK);
    assert_null(memchr(slot.slotDescription, 0, sizeof(slot.slotDescription)));
    assert_int_equal(f->C_GetSlotInfo(2, &slot), CKR_SLOT_ID_INVALID);
    assert_int_equal(f->C_GetSlotInfo(1, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(f->C_Finalize(NULL), CKR_OK);
}

/* No chip: the slot is there, its token is not; and initialising did not mind. */
static void without_a_chip_the_slot_is_empty(void **state)
{
    CK_ULONG n = 5;
    CK_SLOT_ID slot = 0;
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE h = 77;

    assert_int_equal(f->C_Initialize(NULL), CKR_OK);
    assert_int_equal(f->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(f->C_GetSlotList(CK_FALSE, &slot, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(n, 1);
    assert_int_equal(f->C_GetSlotList(CK_FALSE, &slot, &n), CKR_OK);
    assert_int_equal(slot, 1);
    assert_int_equal(f->C_GetSlotInfo(1, &info), CKR_OK);
    assert_false(info.flags & CKF_TOKEN_PRESENT);
    assert_int_equal(f->C_GetTokenInfo(1, &token), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(f->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &h), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(f->C_OpenSession(1, CKF_RW_SESSION, NULL, NULL, &h), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_int_equal(f->C_OpenSession(9, CKF_SERIAL_SESSION, NULL, NULL, &h), CKR_SLOT_ID_INVALID);
    assert_int_equal(h, 77);
    assert_int_equal(f->C_Finalize(NULL), CKR_OK);
}

/* No such socket, no socket at all, not an I2C bus, not a port: no chip, whatever the reason. */
static void what_cannot_be_reached_is_absent(void **state)
{
    static const char *const ports[] = {
        "vse:/nonexistent/chip.sock", "vse:/dev/null", "/dev/null", "/nonexistent", "/dev/null:0x99", "vse:"
    };
    CK_TOKEN_INFO token;
    CK_ULONG n = 9;

    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        print_message("  %s\n", ports[i]);
        setenv("EX_SSS_BOOT_SSS_PORT", ports[i], 1);
        assert_int_equal(f->C_Initialize(NULL), CKR_OK);
        assert_int_equal(f->C_GetTokenInfo(1, &token), CKR_TOKEN_NOT_PRESENT);
        assert_int_equal(f->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
        assert_int_equal(n, 0);
        assert_int_equal(f->C_Finalize(NULL), CKR_OK);
    }
    setenv("EX_SSS_BOOT_SSS_PORT", ports[0], 1);
}

/* consumers §8: the session handle is judged before anything else. */
static void bad_sessions_and_what_is_not_there(void **state)
{
    CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
    CK_ULONG n = 0;

    assert_int_equal(f->C_Initialize(NULL), CKR_OK);
    assert_int_equal(f->C_SignInit(42, &m, 1), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_Sign(42, NULL, 5, NULL, NULL), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_FindObjectsInit(42, NULL, 5), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_Login(42, CKU_USER, NULL, 4), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_GetSessionInfo(42, NULL), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_WrapKey(42, NULL, 0, 0, NULL, &n), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_GetFunctionStatus(42), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_CancelFunction(42), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(f->C_Finalize(NULL), CKR_OK);
}

/* v3.0 §5.4.5: the default is the newest; 2.40 by its version, and the same as C_GetFunctionList's. */
static void interfaces_lead_to_both_tables(void **state)
{
    CK_UTF8CHAR name[] = "PKCS 11", other[] = "Vendor x";
    CK_VERSION v240 = { 2, 40 }, v30 = { 3, 0 }, v20 = { 2, 20 };
    CK_INTERFACE *got = NULL, list[2];
    CK_ULONG n = 0;

    assert_int_equal(C_GetInterfaceList(NULL, &n), CKR_OK);
    assert_int_equal(n, 2);
    n = 1;
    assert_int_equal(C_GetInterfaceList(list, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(C_GetInterfaceList(list, &n), CKR_OK);
    assert_ptr_equal(list[1].pFunctionList, f);
    assert_int_equal(C_GetInterface(NULL, NULL, &got, 0), CKR_OK);
    assert_int_equal(((const CK_VERSION *)got->pFunctionList)->major, 3);
    assert_int_equal(C_GetInterface(name, &v30, &got, 0), CKR_OK);
    assert_ptr_equal(got->pFunctionList, list[0].pFunctionList);
    assert_int_equal(C_GetInterface(name, &v240, &got, 0), CKR_OK);
    assert_ptr_equal(got->pFunctionList, f);
    got = NULL;
    assert_int_equal(C_GetInterface(name, &v20, &got, 0), CKR_FUNCTION_FAILED);
    assert_int_equal(C_GetInterface(name, NULL, &got, 1),
                     CKR_FUNCTION_FAILED); /* not fork safe in 3.0's sense */
    assert_int_equal(C_GetInterface(other, NULL, &got, 0), CKR_FUNCTION_FAILED);
    assert_null(got);
}

/* consumers §1: no pointer may be NULL; the first 68 are those of 2.40. */
static void the_3_0_table_is_whole(void **state)
{
    CK_VERSION v30 = { 3, 0 };
    CK_INTERFACE *got = NULL;
    CK_INFO info;

    assert_int_equal(C_GetInterface(NULL, &v30, &got, 0), CKR_OK);
    const CK_FUNCTION_LIST_3_0 *t = got->pFunctionList;
    const unsigned char *p = (const unsigned char *)t + offsetof(CK_FUNCTION_LIST_3_0, C_Initialize);
    size_t n = (sizeof(*t) - offsetof(CK_FUNCTION_LIST_3_0, C_Initialize)) / sizeof(void *);
    assert_int_equal(n, 68 + 24);
    for (size_t i = 0; i < n; i++) {
        void *entry;
        memcpy(&entry, p + i * sizeof(entry), sizeof(entry));
        assert_non_null(entry);
    }
    assert_ptr_equal(t->C_Sign, f->C_Sign);
    assert_ptr_equal(t->C_WaitForSlotEvent, f->C_WaitForSlotEvent);
    assert_int_equal(t->C_Initialize(NULL), CKR_OK);
    assert_int_equal(t->C_GetInfo(&info), CKR_OK);
    assert_int_equal(info.cryptokiVersion.major, 3);
    assert_int_equal(t->C_LoginUser(42, CKU_USER, NULL, 0, NULL, 0), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(t->C_SessionCancel(42, 0), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(t->C_MessageSignInit(42, NULL, 1), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(t->C_EncryptMessage(42, NULL, 0, NULL, 0, NULL, 0, NULL, NULL),
                     CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(t->C_Finalize(NULL), CKR_OK);
}

static void *many_calls(void *stop)
{
    CK_SESSION_INFO info;
    while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
        assert_int_equal(f->C_GetSessionInfo(1, &info), CKR_SESSION_HANDLE_INVALID);
    return NULL;
}

/* consumers §7: the child is not initialised, can initialise at once although another thread of the
 * parent keeps taking the module's locks, and finalizing there leaves the parent as it was. */
static void a_child_starts_afresh(void **state)
{
    bool stop = false;
    pthread_t thread;
    CK_INFO info;

    assert_int_equal(f->C_Initialize(NULL), CKR_OK);
    assert_int_equal(pthread_create(&thread, NULL, many_calls, &stop), 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(5); /* a hang is a failure */
            bool ok =
                f->C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED &&
                f->C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED && f->C_Initialize(NULL) == CKR_OK &&
                f->C_Initialize(NULL) == CKR_CRYPTOKI_ALREADY_INITIALIZED && f->C_GetInfo(&info) == CKR_OK &&
                f->C_Finalize(NULL) == CKR_OK && f->C_Initialize(NULL) == CKR_OK;
            _exit(ok ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_int_equal(f->C_GetInfo(&info), CKR_OK);
    assert_int_equal(f->C_Finalize(NULL), CKR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(each_form_of_initialize),
        cmocka_unit_test(nothing_works_before_initialize),
        cmocka_unit_test(texts_are_blank_padded),
        cmocka_unit_test(without_a_chip_the_slot_is_empty),
        cmocka_unit_test(what_cannot_be_reached_is_absent),
        cmocka_unit_test(bad_sessions_and_what_is_not_there),
        cmocka_unit_test(interfaces_lead_to_both_tables),
        cmocka_unit_test(the_3_0_table_is_whole),
        cmocka_unit_test(a_child_starts_afresh),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
