/* keyscan - is there a copy of this private key anywhere?
 *
 *   keyscan KEY.PEM [--except PATH]... [--tree PATH]... [--pid PID]...
 *   keyscan KEY.PEM --serve
 *
 * Looks below folders (also inside gzip and tar) and in the readable memory of processes for every secret
 * part of the key, by windows from its start, middle and end, in either byte order, raw, in hex, and in
 * base64 at its three alignments. Prints where, never what. Exit: 0 nothing found, 1 found, 2 some place
 * could not be read or the arguments are wrong.
 *
 * With --serve it holds the key (in its own memory only, which it never searches) and takes lines of the same
 * arguments from standard input; each is answered by its finds and a last line `clean`, `found N` or
 * `unreadable N`. So the key can be looked for after the last file that held it was deleted. Words are parted
 * by single spaces.
 */
#include "places.h"

#include "base/secret.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

enum { WORDS_MAX = 256 };

static const char usage[] = "usage: keyscan KEY.PEM [--except PATH]... [--tree PATH]... [--pid PID]...\n"
                            "       keyscan KEY.PEM --serve\n";

/* The words of one request. false when they are not understood; nothing was searched then. */
static bool scan_words(struct scan *s, char *const *words, int n)
{
    const char *except[WORDS_MAX];

    s->except = except;
    s->except_count = 0;
    for (int i = 0; i < n; i += 2) {
        bool known = strcmp(words[i], "--except") == 0 || strcmp(words[i], "--tree") == 0 ||
                     strcmp(words[i], "--pid") == 0;
        if (!known || i + 1 >= n || n > WORDS_MAX)
            return false;
        if (strcmp(words[i], "--except") == 0)
            except[s->except_count++] = words[i + 1];
    }
    for (int i = 0; i < n; i += 2) {
        if (strcmp(words[i], "--tree") == 0)
            scan_tree(s, words[i + 1]);
        if (strcmp(words[i], "--pid") != 0)
            continue;
        long pid = strtol(words[i + 1], NULL, 10);
        if (pid != (long)getpid())
            scan_process(s, pid);
    }
    return n > 0;
}

static void serve_line(struct search *search, char *line)
{
    struct scan s = { .search = search };
    char *words[WORDS_MAX];
    int n = 0;

    line[strcspn(line, "\n")] = 0;
    for (char *save = NULL, *w = strtok_r(line, " ", &save); w && n < WORDS_MAX;
         w = strtok_r(NULL, " ", &save))
        words[n++] = w;
    if (!scan_words(&s, words, n))
        puts("unreadable 1 (the request is not understood)");
    else if (s.unreadable)
        printf("unreadable %" PRIu64 "\n", s.unreadable);
    else if (s.found)
        printf("found %" PRIu64 "\n", s.found);
    else
        puts("clean");
    (void)fflush(stdout);
}

static int serve(struct search *search)
{
    char line[1 << 16];

    puts("ready");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        serve_line(search, line);
    return 0;
}

static int once(struct search *search, char *const *words, int n)
{
    struct scan s = { .search = search };

    if (!scan_words(&s, words, n)) {
        fputs(usage, stderr);
        return 2;
    }
    return s.unreadable ? 2 : s.found ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct patterns ps = { 0 };

    secret_process_init(true);
    if (argc < 3) {
        fputs(usage, stderr);
        return 2;
    }
    err_t e = patterns_load(&ps, argv[1]);
    struct search *search = e ? NULL : search_new(&ps);
    if (!search) {
        fprintf(stderr, "keyscan: cannot read a private key from %s: %s\n", argv[1],
                err_str(e ? e : ERR_NOMEM));
        patterns_done(&ps);
        return 2;
    }
    int status =
        argc == 3 && strcmp(argv[2], "--serve") == 0 ? serve(search) : once(search, argv + 2, argc - 2);
    search_free(search);
    patterns_done(&ps);
    return status;
}
