/* src/vse/provision.h - what a part leaves the factory with: unique id, attestation key, the applet's own
 * keys, cloud-connection keys, and certificates for them from a CA made with the part.
 *
 * Pure apart from allocation, randomness and the applet's non-volatile memory. One thread at a time.
 * Reference: NXP AN12436 "ease of use configurations". The CA's name says that it is not for production.
 */
#pragma once
#include "vse/applet.h"

enum vse_factory {
    VSE_FACTORY_EC,   /* EC keys and their certificates: made at once, some milliseconds */
    VSE_FACTORY_FULL, /* RSA-2048 and RSA-4096 too: entries at once, values when somebody wants them */
};

/* Make what is missing, as one set of changes; the user's objects are left alone.
 * The error of the non-volatile memory or of the random generator. */
err_t vse_applet_provision(struct vse_applet *a, enum vse_factory what);

/* An RSA key of the factory and its certificate have no value until one of them is wanted. Makes both
 * when `id` names one that has none; whatever else it names is left as it is. */
err_t vse_provision_ripen(struct vse_applet *a, uint32_t id);
