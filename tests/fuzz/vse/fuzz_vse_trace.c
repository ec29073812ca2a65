/* Whatever comes, as a block and as a command, is put into words, and nothing of its inside is. */
#include "base/mem.h"
#include "vse/trace.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autobuf text = BUF_INIT(64 * 1024);
    struct vse_apdu apdu;

    if (size > 4096)
        return 0;
    if (vse_trace_block_text(slice_of(data, size), &text) == ERR_OK)
        assert(text.n < 200);
    buf_clear(&text);
    if (vse_apdu_decode(slice_of(data, size), &apdu) == ERR_OK) {
        assert(vse_trace_command_text(NULL, &apdu, apdu.data, 0x9000, &text) == ERR_OK);
        buf_clear(&text);
        assert(vse_trace_command_text("Name", &apdu, apdu.data, 0x6985, &text) == ERR_OK);
    }
    return 0;
}
