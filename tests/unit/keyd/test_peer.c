/* Who is at the other end: the unit out of /proc/PID/cgroup, a socket pair's own process. */
#include "../cm.h"
#include "base/mem.h"
#include "keyd/peer.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    const char *text, *unit; /* NULL: none */
} cases[] = {
    { "0::/system.slice/web.service\n", "web.service" },
    { "0::/system.slice/web.service/payload/evil.service\n", "web.service" },
    { "0::/system.slice/system-foo.slice/foo@1.service\n", "foo@1.service" },
    { "0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n", "user@1000.service" },
    { "0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope" },
    { "0::/system.slice/_cgroup.service\n", "cgroup.service" },
    { "12:pids:/x\n1:name=systemd:/system.slice/old.service\n", "old.service" },
    { "5:cpu:/system.slice/wrong.service\n0::/system.slice/right.service", "right.service" },
    { "0::/\n", NULL },
    { "0::/init.slice\n", NULL },
    { "0::/../../outside.service\n", NULL },
    { "0::/plain/web.service\n", NULL },
    { "0::", NULL },
    { "", NULL },
    { "0\n", NULL },
    { "::::\n", NULL },
};

static void units(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char unit[KEYD_UNIT_MAX] = "untouched";

        print_message("  %s\n", cases[i].text);
        assert_int_equal(keyd_unit_of_cgroup(slice_str(cases[i].text), unit),
                         cases[i].unit ? ERR_OK : ERR_NOT_FOUND);
        assert_string_equal(unit, cases[i].unit ? cases[i].unit : "untouched");
    }
}

static void a_long_name_is_no_unit(void **state)
{
    char text[400], unit[KEYD_UNIT_MAX] = "untouched";

    (void)snprintf(text, sizeof(text), "0::/system.slice/%0*d.service", KEYD_UNIT_MAX - 9, 0);
    assert_int_equal(keyd_unit_of_cgroup(slice_str(text), unit), ERR_OK);
    assert_int_equal(strlen(unit), KEYD_UNIT_MAX - 1);
    (void)snprintf(text, sizeof(text), "0::/system.slice/%0*d.service", KEYD_UNIT_MAX - 8, 0);
    assert_int_equal(keyd_unit_of_cgroup(slice_str(text), unit), ERR_NOT_FOUND);
}

static void ourselves(void **state)
{
    struct keyd_peer peer = { 0 };
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(keyd_peer_of(fds[0], &peer), ERR_OK);
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    assert_int_equal(peer.pid, getpid());
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(keyd_peer_of(fds[0], &peer), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(units), cmocka_unit_test(a_long_name_is_no_unit),
                                        cmocka_unit_test(ourselves) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
