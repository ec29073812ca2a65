/* Events in random orders: the rules of pool_chaos.h hold. SEDGE_SEED=N repeats one run. */
#include "../../cm.h"
#include "pool_chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 60
#define STEPS 3000

static void run(unsigned seed)
{
    static uint8_t script[2 * STEPS];

    (void)fprintf(stderr, "seed %u\r", seed);
    srand(seed);
    for (size_t i = 0; i < sizeof(script); i++)
        script[i] = (uint8_t)(rand() >> 8);
    chaos_run(slice_of(script, sizeof(script)));
}

static void every_order_keeps_the_rules(void **state)
{
    const char *given = getenv("SEDGE_SEED");
    unsigned first = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    (void)state;
    print_message("SEDGE_SEED=%u and the %d after it\n", first, RUNS - 1);
    for (unsigned i = 0; i < (given ? 1 : RUNS); i++)
        run(first + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_order_keeps_the_rules) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
