/* The smallest PKCS#11 program: open, log in, find one private key by its label, sign. Tells how long each
 * took.
 *
 *   p11_sign MODULE PIN LABEL SECONDS
 *
 * It signs once and, unless SECONDS is 0, waits for a line (or the end) of stdin and signs for as long as
 * often as it can. One line of JSON: milliseconds of the host for the first signature from C_Initialize on,
 * and how many more there were.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static CK_FUNCTION_LIST *p11;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(const char *what, CK_RV rv)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "p11_sign: %s: 0x%lx\n", what, rv);
    exit(1);
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE s, const char *label)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_LABEL, (void *)label, strlen(label) } };
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = 0;

    must("C_FindObjectsInit", p11->C_FindObjectsInit(s, t, 2));
    must("C_FindObjects", p11->C_FindObjects(s, &key, 1, &n));
    must("C_FindObjectsFinal", p11->C_FindObjectsFinal(s));
    must("a key with this label", n == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID);
    return key;
}

static void sign(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mech = { type, NULL, 0 };
    unsigned char digest[32] = { 1 }, sig[512];
    CK_ULONG n = sizeof(sig);

    must("C_SignInit", p11->C_SignInit(s, &mech, key));
    must("C_Sign", p11->C_Sign(s, digest, sizeof(digest), sig, &n));
}

int main(int argc, char **argv)
{
    void *module = argc == 5 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
    CK_SESSION_HANDLE s = 0;
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE a = { CKA_KEY_TYPE, &type, sizeof(type) };
    unsigned long more = 0;

    if (!get || get(&p11) != CKR_OK)
        return 2;
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    must("C_Initialize", p11->C_Initialize(NULL));
    must("C_OpenSession", p11->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &s));
    must("C_Login", p11->C_Login(s, CKU_USER, (unsigned char *)argv[2], strlen(argv[2])));
    CK_OBJECT_HANDLE key = find(s, argv[3]);
    must("C_GetAttributeValue", p11->C_GetAttributeValue(s, key, &a, 1));
    CK_MECHANISM_TYPE mech = type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA;
    sign(s, mech, key);
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (atof(argv[4]) > 0) {
        puts("ready");
        fflush(stdout);
        (void)getchar();
    }
    for (double end = now(CLOCK_MONOTONIC) + atof(argv[4]) * 1e3; now(CLOCK_MONOTONIC) < end; more++)
        sign(s, mech, key);
    printf("{\"first_ms\": %.3f, \"first_cpu_ms\": %.3f, \"more\": %lu}\n", wall, cpu, more);
    return 0; /* without C_Finalize, as many do */
}
