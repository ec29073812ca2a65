/* tests/bench/policy.c - nanoseconds for one policy check: 50 statements, 5 variables, compiled and as
 * written.
 *
 *   bench_policy   prints the median of 21 rounds of each, worst case first (the last statement decides)
 */
#include "base/clock.h"
#include "base/mem.h"
#include "cloud/policy/matcher.h"

#include <stdio.h>
#include <stdlib.h>

#define STATEMENTS 50
#define ROUNDS 21
#define CHECKS 20000
#define PREFIX "arn:aws:iot:us-east-1:123456789012:"

static const char *const vars_used[] = { "iot:ClientId", "iot:Connection.Thing.ThingName",
                                         "iot:Certificate.Subject.CommonName", "iot:CertificateId",
                                         "iot:Connection.Thing.Attributes[site]" };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Statement i is about dt/VARIABLE/i/...; every fifth denies. A document holds at most 2048 characters, so
 * there are several. */
static err_t make_docs(struct policy_doc **docs, size_t n)
{
    char why[POLICY_WHY_MAX];
    err_t e = ERR_OK;

    for (size_t i = 0; i < n && !e; i++) {
        autofree char *text = mem_printf(
            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"%s\",\"Action\":[\"iot:Publish\","
            "\"iot:Receive\"],\"Resource\":[\"" PREFIX "topic/dt/${%s}/%zu/*\"]}]}",
            i % 5 == 4 && i + 1 < n ? "Deny" : "Allow", vars_used[i % ARRAY_LEN(vars_used)], i);
        e = text ? policy_doc_parse(slice_str(text), &docs[i], why) : ERR_NOMEM;
    }
    return e;
}

struct subject {
    struct policy_doc *docs[STATEMENTS];
    struct policy_vars vars;
    struct policy_matcher *m;
};

static enum policy_verdict compiled(const struct subject *s, struct slice resource)
{
    return policy_matcher_check(s->m, POLICY_PUBLISH, slice_skip(resource, sizeof(PREFIX) - 1), NULL);
}

static enum policy_verdict written(const struct subject *s, struct slice resource)
{
    struct policy_request rq = { SLICE_LIT("iot:Publish"), resource, &s->vars };

    return policy_evaluate(s->docs, STATEMENTS, &rq);
}

static void measure(const struct subject *s, const char *what, struct slice resource,
                    enum policy_verdict want,
                    enum policy_verdict (*ask)(const struct subject *, struct slice))
{
    double ns[ROUNDS];

    for (size_t r = 0; r < ROUNDS; r++) {
        int64_t start = clock_mono_us();
        for (int i = 0; i < CHECKS; i++) {
            if (ask(s, resource) != want)
                abort();
        }
        ns[r] = (double)(clock_mono_us() - start) * 1000 / CHECKS;
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), by_size);
    (void)printf("  %-58s %10.0f ns\n", what, ns[ROUNDS / 2]);
}

int main(void)
{
    static const struct slice last = { (const uint8_t *)PREFIX "topic/dt/site-7/49/x",
                                       sizeof(PREFIX "topic/dt/site-7/49/x") - 1 };
    static const struct slice none = { (const uint8_t *)PREFIX "topic/dt/nobody/1/x",
                                       sizeof(PREFIX "topic/dt/nobody/1/x") - 1 };
    static const char *const values[] = { "client-1", "thing-1", "name-1", "0123456789abcdef", "site-7" };
    struct subject s = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (policy_vars_add(&s.vars, vars_used[i], slice_str(values[i])))
            return 1;
    }
    if (make_docs(s.docs, STATEMENTS) ||
        policy_matcher_new(s.docs, STATEMENTS, &s.vars, slice_str(PREFIX), &s.m))
        return 1;
    (void)printf("One policy check, 50 statements, 5 variables\n");
    measure(&s, "compiled, the last statement allows", last, POLICY_ALLOW, compiled);
    measure(&s, "compiled, none applies", none, POLICY_IMPLICIT_DENY, compiled);
    measure(&s, "as written, the last statement allows", last, POLICY_ALLOW, written);
    measure(&s, "as written, none applies", none, POLICY_IMPLICIT_DENY, written);
    policy_matcher_free(s.m);
    policy_vars_done(&s.vars);
    for (size_t i = 0; i < STATEMENTS; i++)
        policy_doc_free(s.docs[i]);
    return 0;
}
