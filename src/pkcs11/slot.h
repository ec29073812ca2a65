/* src/pkcs11/slot.h - the one slot and its token: C_GetInfo, C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo.
 * PKCS#11 v2.40 §5.4, §5.5. Any thread. Text fields are blank padded, never NUL terminated.
 */
#pragma once
#include "pkcs11/module.h"

#define P11_TOKEN_LABEL "SSS_PKCS11" /* NXP's: it stands in published configurations */
#define P11_MANUFACTURER "Sedge"
#define P11_MODEL "SE05x"

void p11_library_info(CK_INFO *ret);
/* present: only when the chip answers (blocking I/O). */
CK_RV p11_slot_list(struct p11_module *m, bool present, CK_SLOT_ID *list, CK_ULONG *count);
CK_RV p11_slot_info(struct p11_module *m, CK_SLOT_ID slot, CK_SLOT_INFO *ret);   /* blocking I/O */
CK_RV p11_token_info(struct p11_module *m, CK_SLOT_ID slot, CK_TOKEN_INFO *ret); /* blocking I/O */
