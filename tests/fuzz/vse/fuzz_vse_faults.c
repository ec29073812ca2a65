/* A script of faults, then transactions of all kinds: first a length byte and the script, then two bytes
 * each. */
#include "base/mem.h"
#include "vse/faults.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = size ? data[0] : 0;
    struct slice script = slice_head(slice_of(data + (size > 0), size - (size > 0)), n);
    struct slice rest = slice_skip(slice_of(data, size), 1 + n);
    struct vse_faults *f = NULL;
    unsigned line = 0;
    err_t e = vse_faults_parse(script, &f, &line);

    assert((e == ERR_OK) == (f != NULL));
    for (; f && rest.n >= 2; rest = slice_skip(rest, 2)) {
        autofree uint8_t *bytes = mem_dup(rest.p, rest.p[1] < rest.n ? rest.p[1] : rest.n);
        size_t len = rest.p[1] < rest.n ? rest.p[1] : rest.n;
        unsigned acts = rest.p[0] & 1 ? vse_faults_write(f, len) : vse_faults_read(f, len, rest.p[0] & 2);
        if (rest.p[0] & 4)
            vse_faults_poll(f);
        if (bytes && !(acts & VSE_FAULT_NACK))
            assert(vse_faults_bytes(f, bytes, len) <= len);
    }
    vse_faults_free(f);
    return 0;
}
