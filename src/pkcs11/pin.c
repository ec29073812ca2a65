#include "pkcs11/pin.h"

#include "base/mem.h"
#include "se/conf.h"

#include <stdio.h>
#include <string.h>

CK_RV p11_pin_check(struct slice pin)
{
    /* Two buffers of one size, zero behind the PIN: the time tells neither where nor how far they differ. */
    char want[P11_PIN_MAX + 1] = { 0 }, given[P11_PIN_MAX + 1] = { 0 };
    err_t e = se_conf_value("pin", want, sizeof(want));

    if (e == ERR_NOT_FOUND)
        snprintf(want, sizeof(want), "%s", P11_PIN_DEFAULT);
    else if (e)
        return CKR_GENERAL_ERROR;
    if (pin.n && pin.n <= P11_PIN_MAX)
        memcpy(given, pin.p, pin.n);
    bool same = mem_eq_ct(given, want, sizeof(given)) && pin.n == strlen(want);
    mem_wipe(want, sizeof(want));
    mem_wipe(given, sizeof(given));
    return same ? CKR_OK : CKR_PIN_INCORRECT;
}
