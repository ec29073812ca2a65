#include "arn.h"

#include <stddef.h>
#include <string.h>

#define ARN_MAX 512
enum {
    PART_ARN,
    PART_PARTITION,
    PART_SERVICE,
    PART_REGION,
    PART_ACCOUNT,
    PART_KIND,
    PART_NAME,
    PART_QUALIFIER,
    PARTS
};

static const char name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-$";

/* The words that have to be; NULL: any of name_chars, empty for region and account. */
static const char *const wanted[PARTS] = {
    [PART_ARN] = "arn", [PART_SERVICE] = "lambda", [PART_KIND] = "function"
};

static bool part_valid(int part, const char *p, size_t n)
{
    if (part >= PARTS || strspn(p, name_chars) < n)
        return false;
    if (wanted[part])
        return n == strlen(wanted[part]) && memcmp(p, wanted[part], n) == 0;
    return n > 0 || part == PART_REGION || part == PART_ACCOUNT;
}

bool arn_valid(const char *arn)
{
    int part = 0;
    if (strnlen(arn, ARN_MAX + 1) > ARN_MAX)
        return false;
    for (const char *p = arn;; part++) {
        size_t n = strcspn(p, ":");
        if (!part_valid(part, p, n))
            return false;
        if (!p[n])
            return part >= PART_NAME;
        p += n + 1;
    }
}

const char *arn_qualifier(const char *arn)
{
    for (int part = 0; part < PART_QUALIFIER; part++) {
        arn = strchr(arn, ':');
        if (!arn)
            return NULL;
        arn++;
    }
    return arn;
}

bool arn_qualifier_valid(const char *qualifier)
{
    return *qualifier && !qualifier[strspn(qualifier, name_chars)] && strlen(qualifier) <= 128;
}
