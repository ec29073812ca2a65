#include "cloud/registry/records.h"

#include "base/mem.h"

#define CONTENT_MAX 65536u
#define CONTENT_DEPTH 8u

void record_done(struct record *r)
{
    json_decref_ptr(&r->content);
}

static err_t load_row(void *ctx, const struct db_rows *row)
{
    struct record *r = ctx;

    r->created_ms = db_int(row, 1);
    r->modified_ms = db_int(row, 2);
    return json_parse(db_text(row, 0), CONTENT_DEPTH, &r->content, NULL);
}

err_t record_load(struct api_call *c, const char *kind, const char *name, struct record *ret)
{
    return db_one(c->db, "SELECT content, created_ms, modified_ms FROM records WHERE kind = $1 AND name = $2",
                  DB_ARGS(DB_TEXT(kind), DB_TEXT(name)), load_row, ret);
}

static err_t write(struct api_call *c, const char *sql, const char *kind, const char *name,
                   const json_t *content, int64_t *changed)
{
    autobuf text = BUF_INIT(CONTENT_MAX);
    err_t e = json_write(&text, content, 0);

    if (e == ERR_TOO_BIG)
        return api_fail(c, API_INVALID_REQUEST, "'%.128s' has too much to be kept", name);
    return e ? e
             : db_run(c->db, sql,
                      DB_ARGS(DB_TEXT(kind), DB_TEXT(name), DB_SLICE(buf_slice(&text)), DB_INT(c->now_ms)),
                      changed);
}

#define INSERT                                                            \
    "INSERT INTO records (kind, name, content, created_ms, modified_ms) " \
    "VALUES ($1, $2, $3, $4, $4) ON CONFLICT (kind, name) DO "

err_t record_insert(struct api_call *c, const char *kind, const char *name, const json_t *content)
{
    int64_t changed;
    err_t e = write(c, INSERT "NOTHING", kind, name, content, &changed);

    return e || changed ? e : ERR_EXISTS;
}

err_t record_put(struct api_call *c, const char *kind, const char *name, const json_t *content)
{
    return write(c, INSERT "UPDATE SET content = $3, modified_ms = $4", kind, name, content, NULL);
}

err_t record_delete(struct api_call *c, const char *kind, const char *name)
{
    int64_t changed;
    err_t e = db_run(c->db, "DELETE FROM records WHERE kind = $1 AND name = $2",
                     DB_ARGS(DB_TEXT(kind), DB_TEXT(name)), &changed);

    return e || changed ? e : ERR_NOT_FOUND;
}

/* ---- lists ---- */

struct listing {
    struct api_page *page;
    record_item_fn item;
    bool by_age;
};

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct listing *l = ctx;
    const char *name = db_str(row, 0);
    auto_json *content = NULL, *item = NULL;
    err_t e;

    if ((e = json_parse(db_text(row, 1), CONTENT_DEPTH, &content, NULL)))
        return e;
    item = l->item(l->page->c, name, content);
    if (json_is_null(item) || !api_page_room(l->page))
        return ERR_OK;
    return l->by_age ? api_page_add(l->page, steal(&item), "%lld.%s", (long long)db_int(row, 2), name)
                     : api_page_add(l->page, steal(&item), "%s", name);
}

#define SELECT "SELECT name, content, created_ms FROM records WHERE kind = $1 AND "

err_t record_list_by_age(struct api_page *page, const char *kind, const struct api_age_marker *from,
                         record_item_fn item, int64_t skips)
{
    struct listing l = { page, item, true };

    return db_each(
        page->c->db,
        from->ascending ? SELECT "(created_ms, name) > ($2, $3) ORDER BY created_ms, name LIMIT $4"
                        : SELECT "(created_ms, name) < ($2, $3) ORDER BY created_ms DESC, name DESC LIMIT $4",
        DB_ARGS(DB_TEXT(kind), DB_INT(from->ms), DB_TEXT(from->id), DB_INT(page->size + 1 + skips)), list_row,
        &l);
}

err_t record_list_by_name(struct api_page *page, const char *kind, const char *after, const char *below,
                          record_item_fn item)
{
    struct listing l = { page, item, false };

    return db_each(page->c->db, SELECT "name > $2 AND name < $3 ORDER BY name LIMIT $4",
                   DB_ARGS(DB_TEXT(kind), DB_TEXT(after), DB_TEXT(below), DB_INT(page->size + 1)), list_row,
                   &l);
}
