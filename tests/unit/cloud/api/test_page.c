#include "../fixture.h"
#include "cloud/api/page.h"

static void begin(struct fixture *f)
{
    static const struct api_op op = { .name = "ListThings" };

    api_call_init(&f->call, &f->env, &op);
}

/* As a query with LIMIT size + 1 gives them. */
static void add_rows(struct api_page *p, int rows)
{
    for (int i = 0; i < rows && i <= p->size; i++)
        if (api_page_room(p))
            assert_int_equal(api_page_add(p, json_integer(i), "%d.%s", i, "id"), ERR_OK);
}

/* A token means its place to the operation that gave it, nothing to others, and does not show it. */
static void assert_place(const struct api_op *op, const char *token, const char *place)
{
    static const struct api_op other = { .name = "ListOthers" };
    static const char *const none[] = { "x", "2.id", "====", "TGlzdE90aGVycw==" };
    autobuf is = BUF_INIT(1024), nothing = BUF_INIT(1024);

    assert_null(strstr(token, place));
    assert_int_equal(api_page_open_token(op, token, &is), ERR_OK);
    assert_string_equal(buf_str(&is), place);
    assert_int_equal(api_page_open_token(&other, token, &nothing), ERR_OK);
    assert_string_equal(buf_str(&nothing), API_PAGE_NOWHERE);
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        buf_clear(&nothing);
        assert_int_equal(api_page_open_token(op, none[i], &nothing), ERR_OK);
        assert_string_equal(buf_str(&nothing), API_PAGE_NOWHERE);
    }
}

static void the_token_comes_with_a_next_page(void **state)
{
    static const struct {
        int size, rows, listed;
        const char *next;
    } t[] = {
        { 3, 0, 0, NULL }, { 3, 2, 2, NULL }, { 3, 3, 3, NULL }, { 3, 4, 3, "2.id" }, { 1, 9, 1, "0.id" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        begin(f);
        auto_page page = API_PAGE_INIT(&f->call);
        page.size = t[i].size;
        add_rows(&page, t[i].rows);
        assert_int_equal(api_page_reply(&page, "things", "nextToken"), ERR_OK);
        assert_int_equal(json_array_size(json_get_arr(f->call.reply, "things")), t[i].listed);
        const char *next = json_get_str(f->call.reply, "nextToken");
        assert_int_equal(next != NULL, t[i].next != NULL);
        if (next)
            assert_place(f->call.op, next, t[i].next);
        api_call_done(&f->call);
    }
}

/* A row whose text was not UTF-8, or no memory for it. */
static void a_row_that_cannot_be_written(void **state)
{
    struct fixture *f = *state;

    begin(f);
    auto_page page = API_PAGE_INIT(&f->call);
    page.size = 1;
    assert_int_equal(api_page_add(&page, json_string("\xff"), "x"), ERR_NOMEM);
    assert_int_equal(json_array_size(page.list), 0);
    api_call_done(&f->call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_token_comes_with_a_next_page, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_row_that_cannot_be_written, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
