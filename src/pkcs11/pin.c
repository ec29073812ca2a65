#include "pkcs11/pin.h"

#include "base/mem.h"
#include "se/conf.h"

#include <string.h>

CK_RV p11_pin_check(struct slice pin)
{
    char want[P11_PIN_MAX + 1] = P11_PIN_DEFAULT;
    err_t e = se_conf_value("pin", want, sizeof(want));

    if (e && e != ERR_NOT_FOUND)
        return CKR_GENERAL_ERROR;
    /* Both in buffers of one size: the time tells neither where nor how far they differ. */
    uint8_t given[P11_PIN_MAX + 1] = { 0 }, wanted[P11_PIN_MAX + 1] = { 0 };
    memcpy(given, pin.p, pin.n <= P11_PIN_MAX ? pin.n : 0);
    memcpy(wanted, want, strlen(want));
    bool same = mem_eq_ct(given, wanted, sizeof(given)) && pin.n == strlen(want);
    mem_wipe(want, sizeof(want));
    mem_wipe(given, sizeof(given));
    mem_wipe(wanted, sizeof(wanted));
    return same ? CKR_OK : CKR_PIN_INCORRECT;
}
