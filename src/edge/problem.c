/* src/edge/problem.c */
#include "edge/problem.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* The text goes into JSON and onto terminals: UTF-8 without control characters. */
static void clean(char *text)
{
    bool utf8 = utf8_valid(slice_str(text));

    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c == 0x7f)
            *c = ' ';
        else if (*c > 0x7f && !utf8)
            *c = '?';
    }
}

err_t problem_set(struct problem *p, err_t e, const char *fmt, ...)
{
    va_list ap;

    if (!p)
        return e;
    va_start(ap, fmt);
    (void)vsnprintf(p->text, sizeof(p->text), fmt, ap);
    va_end(ap);
    clean(p->text);
    return e;
}
