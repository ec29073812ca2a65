/* The installed library: sessions (include/sedge/se_session.h). */
#include "se/public.h"
#include "se/session.h"

_Static_assert((int)SEDGE_SE_AUTH_USERID == SE_AUTH_USERID && (int)SEDGE_SE_AUTH_AES == SE_AUTH_AES &&
                   (int)SEDGE_SE_AUTH_ECKEY == SE_AUTH_ECKEY,
               "the kinds are numbered alike");

static struct se_session *session(sedge_se_session *s)
{
    return (struct se_session *)s;
}

sedge_err sedge_se_session_open(sedge_se *se, enum sedge_se_auth_kind kind, uint32_t id, sedge_bytes secret,
                                bool keep, sedge_se_session **ret)
{
    const struct se_auth auth = { (enum se_auth_kind)kind, id, in(secret), keep };
    struct se_session *opened = NULL;
    err_t e = se_session_open(chip(se), &auth, &opened);

    if (!e)
        *ret = (sedge_se_session *)opened;
    return (sedge_err)e;
}

void sedge_se_session_close(sedge_se_session *s)
{
    se_session_close(session(s));
}

sedge_err sedge_se_session_begin(sedge_se_session *s)
{
    return (sedge_err)se_session_begin(session(s));
}

void sedge_se_session_end(sedge_se_session *s)
{
    se_session_end(session(s));
}

sedge_err sedge_se_session_limit(sedge_se_session *s, uint16_t max_apdus, uint16_t max_seconds,
                                 bool may_refresh)
{
    const struct se_session_limits limits = { max_apdus, max_seconds, may_refresh };

    return (sedge_err)se_session_limit(session(s), &limits);
}

sedge_err sedge_se_session_refresh(sedge_se_session *s)
{
    return (sedge_err)se_session_refresh(session(s), NULL);
}
