/* What the fake module answers; the test finds it by dlsym("fake_p11"). */
#pragma once
#include <p11-kit/pkcs11.h>

struct fake_p11 {
    int initialized;
    CK_RV initialize_rv;
    CK_ULONG slots; /* at most 3 */
    const char *label[3];
    CK_FLAGS flags[3];
    CK_RV token_rv[3];
};
