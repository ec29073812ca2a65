#include "pkcs11/slot.h"

#include "base/hex.h"
#include "pkcs11/pin.h"
#include "pkcs11/rv.h"
#include "se/conf.h"

#define PAD(field, text) pad_text(field, sizeof(field), text)

static void pad_text(CK_UTF8CHAR *field, size_t n, const char *text)
{
    size_t len = strlen(text);

    memset(field, ' ', n);
    memcpy(field, text, len < n ? len : n);
}

static CK_VERSION our_version(void)
{
    int major = atoi(SEDGE_VERSION);
    const char *dot = strchr(SEDGE_VERSION, '.');

    return (CK_VERSION){ (CK_BYTE)major, (CK_BYTE)(dot ? atoi(dot + 1) : 0) };
}

void p11_library_info(CK_INFO *ret)
{
    *ret = (CK_INFO){ .cryptokiVersion = { 2, 40 }, .libraryVersion = our_version() };
    PAD(ret->manufacturerID, P11_MANUFACTURER);
    PAD(ret->libraryDescription, "Sedge PKCS#11 for SE05x");
}

CK_RV p11_slot_list(struct p11_module *m, bool present, CK_SLOT_ID *list, CK_ULONG *count)
{
    CK_ULONG n = !present || p11_device_present(m->device) ? 1 : 0, room = *count;

    *count = n;
    if (!list)
        return CKR_OK;
    if (room < n)
        return CKR_BUFFER_TOO_SMALL;
    if (n)
        list[0] = P11_SLOT_ID;
    return CKR_OK;
}

CK_RV p11_slot_info(struct p11_module *m, CK_SLOT_ID slot, CK_SLOT_INFO *ret)
{
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    CK_SLOT_INFO info = { .flags = CKF_HW_SLOT | CKF_REMOVABLE_DEVICE };
    if (p11_device_present(m->device))
        info.flags |= CKF_TOKEN_PRESENT;
    PAD(info.slotDescription, "SE05x secure element");
    PAD(info.manufacturerID, P11_MANUFACTURER);
    *ret = info;
    return CKR_OK;
}

struct chip_facts {
    uint8_t uid[SE_UNIQUE_ID_LEN];
    struct se_version version;
};

static err_t read_facts(struct se_chip *chip, void *arg)
{
    struct chip_facts *facts = arg;

    facts->version = se_chip_version(chip);
    return se_chip_uid(chip, facts->uid);
}

/* se.conf's `label`, else what C_InitToken wrote, else NXP's. */
static err_t token_label(struct p11_module *m, char out[P11_TOKEN_LABEL_LEN + 1])
{
    struct p11_pins pins;
    char configured[P11_TOKEN_LABEL_LEN + 1];
    err_t e = p11_objects_pins(m->objects, m->device, true, &pins);

    if (e)
        return e;
    bool given = se_conf_value("label", configured, sizeof(configured)) == ERR_OK;
    bool set = pins.label[0] != 0 && memchr(pins.label, 0, sizeof(pins.label)) == NULL;
    memset(out, 0, P11_TOKEN_LABEL_LEN + 1);
    if (given)
        memcpy(out, configured, strlen(configured) + 1);
    else if (set)
        memcpy(out, pins.label, sizeof(pins.label));
    else
        memcpy(out, P11_TOKEN_LABEL, sizeof(P11_TOKEN_LABEL));
    return ERR_OK;
}

CK_RV p11_token_info(struct p11_module *m, CK_SLOT_ID slot, CK_TOKEN_INFO *ret)
{
    struct chip_facts facts;
    char serial[2 * sizeof(ret->serialNumber) + 1];

    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    err_t e = p11_device_do(m->device, read_facts, &facts);
    if (e)
        return p11_rv_from_err_slot(e);
    CK_FLAGS pin_flags = 0;
    char label[P11_TOKEN_LABEL_LEN + 1];
    e = p11_pin_flags(m, &pin_flags);
    if (!e)
        e = token_label(m, label);
    if (e)
        return p11_rv_from_err_slot(e);
    CK_TOKEN_INFO info = {
        .flags = CKF_RNG | CKF_TOKEN_INITIALIZED | pin_flags,
        .ulMaxSessionCount = P11_SESSIONS_MAX,
        .ulMaxRwSessionCount = P11_SESSIONS_MAX,
        .ulMaxPinLen = P11_PIN_MAX,
        .ulMinPinLen = P11_PIN_MIN,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .firmwareVersion = { facts.version.major, facts.version.minor },
    };
    p11_session_counts(m->sessions, &info.ulSessionCount, &info.ulRwSessionCount);
    PAD(info.label, label);
    PAD(info.manufacturerID, P11_MANUFACTURER);
    PAD(info.model, P11_MODEL);
    hex_str(serial, slice_of(facts.uid, sizeof(info.serialNumber) / 2));
    PAD(info.serialNumber, serial);
    memset(info.utcTime, '0', sizeof(info.utcTime)); /* no clock: CKF_CLOCK_ON_TOKEN is not set */
    *ret = info;
    return CKR_OK;
}
