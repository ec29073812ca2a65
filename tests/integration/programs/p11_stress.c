/* A PKCS#11 program that gives a module no rest: threads that sign, search, read and open sessions, and a
 * main thread that forks meanwhile. It knows nothing of the module but the standard.
 *
 *   p11_stress MODULE PIN SECONDS THREADS FORKS EC_LABEL RSA_LABEL
 *
 * Every ECDSA signature is checked with OpenSSL here, RSA ones by the module and, where they differ from the
 * first (PKCS#1 v1.5 is deterministic), counted wrong. One line of JSON is printed. FORKS: 1 or 0.
 */
#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static CK_FUNCTION_LIST *p11;
static const char *pin, *ec_label, *rsa_label;
static atomic_ulong ecdsa, rsa, calls, forks, errors;
static atomic_bool stop;
static CK_SLOT_ID slot;

static void wrong(const char *what, CK_RV rv)
{
    if (atomic_fetch_add(&errors, 1) < 10)
        fprintf(stderr, "p11_stress: %s: 0x%lx (process %d)\n", what, rv, (int)getpid());
}

/* Every call goes through here. */
static bool ok(const char *what, CK_RV rv)
{
    atomic_fetch_add(&calls, 1);
    if (rv != CKR_OK)
        wrong(what, rv);
    return rv == CKR_OK;
}

struct work {
    unsigned seed;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE ec, rsa;
    EC_KEY *public; /* of ec */
    unsigned char first[512];
    CK_ULONG first_n;
};

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE s, const char *label)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_LABEL, (void *)label, strlen(label) } };
    CK_OBJECT_HANDLE found[2] = { 0, 0 };
    CK_ULONG n = 0;

    if (!ok("C_FindObjectsInit", p11->C_FindObjectsInit(s, t, 2)))
        return 0;
    (void)ok("C_FindObjects", p11->C_FindObjects(s, found, 2, &n));
    (void)ok("C_FindObjectsFinal", p11->C_FindObjectsFinal(s));
    if (n != 1)
        wrong("keys found by label", n);
    return n == 1 ? found[0] : 0;
}

/* The P-256 point of the key, as OpenSSL's. */
static EC_KEY *read_public(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    unsigned char der[67];
    CK_ATTRIBUTE a = { CKA_EC_POINT, der, sizeof(der) };
    const unsigned char *at = der + 2;
    EC_KEY *public = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);

    if (!ok("C_GetAttributeValue", p11->C_GetAttributeValue(s, key, &a, 1)) || a.ulValueLen != sizeof(der) ||
        !o2i_ECPublicKey(&public, &at, 65)) {
        wrong("CKA_EC_POINT", a.ulValueLen);
        EC_KEY_free(public);
        return NULL;
    }
    return public;
}

static bool open_session(struct work *w)
{
    if (!ok("C_OpenSession", p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &w->session)))
        return false;
    w->ec = find(w->session, ec_label);
    w->rsa = find(w->session, rsa_label);
    return w->ec && w->rsa;
}

static CK_ULONG sign(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key,
                     const unsigned char *data, CK_ULONG n, unsigned char *sig, CK_ULONG room)
{
    CK_MECHANISM mech = { type, NULL, 0 };

    if (!ok("C_SignInit", p11->C_SignInit(s, &mech, key)) ||
        !ok("C_Sign", p11->C_Sign(s, (unsigned char *)data, n, sig, &room)))
        return 0;
    return room;
}

static void try_ecdsa(struct work *w)
{
    unsigned char digest[32], raw[64];

    for (size_t i = 0; i < sizeof(digest); i++)
        digest[i] = (unsigned char)rand_r(&w->seed);
    if (sign(w->session, CKM_ECDSA, w->ec, digest, sizeof(digest), raw, sizeof(raw)) != sizeof(raw))
        return;
    atomic_fetch_add(&ecdsa, 1);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
    if (ECDSA_do_verify(digest, sizeof(digest), sig, w->public) != 1)
        wrong("a wrong ECDSA signature", 0);
    ECDSA_SIG_free(sig);
}

static void try_rsa(struct work *w)
{
    static const unsigned char message[] = "always the same";
    unsigned char sig[512];
    CK_ULONG n = sign(w->session, CKM_SHA256_RSA_PKCS, w->rsa, message, sizeof(message), sig, sizeof(sig));

    if (!n)
        return;
    atomic_fetch_add(&rsa, 1);
    if (!w->first_n) {
        memcpy(w->first, sig, n);
        w->first_n = n;
    }
    if (n != w->first_n || memcmp(sig, w->first, n) != 0)
        wrong("a wrong RSA signature", n);
}

static void try_digest(struct work *w)
{
    unsigned char data[100], got[32], want[32];
    CK_MECHANISM mech = { CKM_SHA256, NULL, 0 };
    CK_ULONG n = sizeof(got);

    if (!ok("C_GenerateRandom", p11->C_GenerateRandom(w->session, data, sizeof(data))) ||
        !ok("C_DigestInit", p11->C_DigestInit(w->session, &mech)) ||
        !ok("C_DigestUpdate", p11->C_DigestUpdate(w->session, data, 50)) ||
        !ok("C_DigestUpdate", p11->C_DigestUpdate(w->session, data + 50, 50)) ||
        !ok("C_DigestFinal", p11->C_DigestFinal(w->session, got, &n)))
        return;
    SHA256(data, sizeof(data), want);
    if (n != sizeof(want) || memcmp(got, want, n) != 0)
        wrong("a wrong digest", n);
}

static void try_again(struct work *w)
{
    CK_OBJECT_HANDLE before = w->ec;

    (void)ok("C_CloseSession", p11->C_CloseSession(w->session));
    if (open_session(w) && w->ec != before)
        wrong("another handle for the same key", w->ec);
}

static void *run(void *arg)
{
    struct work *w = arg;

    if (open_session(w) && (w->public = read_public(w->session, w->ec)))
        while (!atomic_load(&stop)) {
            unsigned die = (unsigned)rand_r(&w->seed) % 32;
            if (die == 0)
                try_again(w);
            else if (die < 3)
                try_rsa(w);
            else if (die < 6)
                try_digest(w);
            else
                try_ecdsa(w);
        }
    EC_KEY_free(w->public);
    return NULL;
}

static bool start(void)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_SLOT_ID slots[4];
    CK_ULONG n = 4;

    if (!ok("C_Initialize", p11->C_Initialize(&args)) ||
        !ok("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &n)) || n < 1)
        return false;
    slot = slots[0];
    return true;
}

static bool login(CK_SESSION_HANDLE *session)
{
    return ok("C_OpenSession", p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, session)) &&
           ok("C_Login", p11->C_Login(*session, CKU_USER, (unsigned char *)pin, strlen(pin)));
}

/* What a child does with what it got from its parent: nothing of it works, all of its own does. No OpenSSL
 * here, whose locks another thread of the parent may have held. 0 when all was well. */
static int child(unsigned round)
{
    unsigned char digest[32] = { 1 }, raw[64];
    CK_SESSION_HANDLE session;
    CK_INFO info;

    alarm(60);
    atomic_store(&errors, 0);
    if (p11->C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED || !start() || !login(&session))
        return 1;
    CK_OBJECT_HANDLE key = find(session, ec_label);
    if (!key || sign(session, CKM_ECDSA, key, digest, sizeof(digest), raw, sizeof(raw)) != sizeof(raw))
        return 1;
    if (round % 2 && p11->C_Finalize(NULL) != CKR_OK)
        return 1;
    return atomic_load(&errors) != 0;
}

static void fork_once(void)
{
    unsigned long round = atomic_fetch_add(&forks, 1);
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(child((unsigned)round));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        wrong("a child", (CK_RV)status);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void for_a_while(double seconds, bool forking)
{
    double end = now() + seconds;
    const struct timespec nap = { 0, 20000000 };

    while (now() < end) {
        if (forking)
            fork_once();
        else
            nanosleep(&nap, NULL);
    }
    atomic_store(&stop, true);
}

static bool load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;

    if (get && get(&p11) == CKR_OK)
        return true;
    fprintf(stderr, "p11_stress: %s: %s\n", path, dlerror());
    return false;
}

int main(int argc, char **argv)
{
    enum { THREADS_MAX = 64 };
    static struct work work[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    CK_SESSION_HANDLE session;

    if (argc != 8 || atoi(argv[4]) < 1 || atoi(argv[4]) > THREADS_MAX)
        return 2;
    pin = argv[2];
    ec_label = argv[6];
    rsa_label = argv[7];
    if (!load(argv[1]) || !start() || !login(&session))
        return 1;
    int n = atoi(argv[4]);
    for (int i = 0; i < n; i++) {
        work[i].seed = (unsigned)(getpid() * 100 + i);
        pthread_create(&threads[i], NULL, run, &work[i]);
    }
    for_a_while(atof(argv[3]), atoi(argv[5]));
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    (void)ok("C_Finalize", p11->C_Finalize(NULL));
    printf("{\"ecdsa\": %lu, \"rsa\": %lu, \"calls\": %lu, \"forks\": %lu, \"errors\": %lu}\n", ecdsa, rsa,
           calls, forks, errors);
    return errors != 0;
}
