/* What arrives on the -gda topics, and what is read back from our own state files. */
#include "edge/deploy/gda.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct gda_ref ref;
    struct gda_report report;
    struct problem why;
    char token[GDA_ID_MAX], message[GDA_MESSAGE_MAX];
    int64_t code;

    if (gda_parse_get(text, &ref, &report, &why) == ERR_OK && gda_should_start(&ref, &report) &&
        !ref.group_id[0])
        abort();
    if (gda_parse_saved(text, &report) == ERR_OK) {
        struct gda_report again;
        autobuf out = BUF_INIT(100000);
        if (gda_write_saved(&out, &report) || gda_parse_saved(buf_slice(&out), &again) ||
            again.status != report.status)
            abort();
    }
    (void)gda_parse_ref(text, &ref);
    (void)gda_parse_answer(text, token, &code, message);
    return 0;
}
