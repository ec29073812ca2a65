/* src/vse/command.h - inside the applet: the shape of a command handler and what handlers share. */
#pragma once
#include "vse/applet.h"
#include "vse/args.h"
#include "vse/policy.h"

#include "base/tlv.h"

struct vse_call {
    uint8_t ins, p1, p2;
    struct vse_args args;
};

/* Appends the answer's data to `out` and returns the SW; what it wrote is dropped unless 9000. */
typedef uint16_t vse_handler(struct vse_applet *a, struct vse_call *c, struct writer *out);

/* command_manage.c */
vse_handler vse_cmd_version, vse_cmd_free_memory, vse_cmd_random, vse_cmd_exists, vse_cmd_delete,
    vse_cmd_delete_all;
/* command_read.c */
vse_handler vse_cmd_read, vse_cmd_read_type, vse_cmd_read_size, vse_cmd_read_id_list, vse_cmd_crypto_list;
/* command_write.c */
vse_handler vse_cmd_write_ec, vse_cmd_write_rsa, vse_cmd_write_rsa_raw, vse_cmd_write_binary;
/* command_curve.c */
vse_handler vse_cmd_curve_create, vse_cmd_curve_param, vse_cmd_curve_id, vse_cmd_curve_list,
    vse_cmd_curve_delete;
/* command_crypto.c */
vse_handler vse_cmd_sign, vse_cmd_verify, vse_cmd_rsa_encrypt, vse_cmd_rsa_decrypt;

/* The SW for an error class. */
uint16_t vse_sw_from_err(err_t e);

/* The object named by T1. 6985 when absent, 6A80 when T1 is malformed, 6986 when its policy does not
 * give the default session `right` (SE_POLICY_*, 0 = none needed). Borrowed. */
uint16_t vse_object_for(struct vse_applet *a, struct vse_call *c, uint32_t right, struct vse_object **ret);

/* Make `o` (owned, always taken) durable and put it into the table, replacing its former self. */
uint16_t vse_applet_commit(struct vse_applet *a, struct vse_object *o);
/* Bytes of non-volatile memory not taken. */
size_t vse_applet_memory_free(const struct vse_applet *a);
/* The seven bytes of SELECT and GetVersion. */
void vse_put_version(const struct vse_applet *a, struct writer *out);
/* The data limit of one APDU of this applet version. */
size_t vse_applet_data_max(const struct vse_applet *a);
/* Weierstrass curve `id` has all its parameters. */
bool vse_curve_usable(const struct vse_applet *a, uint8_t id);

/* Ids of the applet's own objects are not the user's to write or delete. */
static inline bool vse_id_reserved(uint32_t id)
{
    return id >= SE_ID_RESERVED_FIRST && id <= SE_ID_RESERVED_LAST;
}
