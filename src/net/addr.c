/* src/net/addr.c - the text form of addresses. */
#include "net/addr.h"

#include "base/mem.h"
#include "net/stream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static bool parse_port(const char *text, uint16_t *ret)
{
    unsigned v = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        v = v * 10 + (unsigned)(*text - '0');
        if (v > 65535)
            return false;
    }
    *ret = (uint16_t)v;
    return true;
}

err_t net_addr_split(const char *text, char *host, size_t size, uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    uint16_t port;
    if (!colon || !parse_port(colon + 1, &port))
        return ERR_INVALID;
    const char *from = text;
    size_t n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && colon[-1] == ']') {
        from++;
        n -= 2;
    } else if (memchr(text, ':', n)) {
        return ERR_INVALID; /* a bare IPv6 address: which colon is the port's? */
    }
    if (n == 0 || n >= size)
        return ERR_INVALID;
    memcpy(host, from, n);
    host[n] = '\0';
    *ret_port = port;
    return ERR_OK;
}

void net_addr_text(const struct sockaddr *sa, char out[NET_ADDR_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
        snprintf(out, NET_ADDR_MAX, "%s:%u", ip, ntohs(in->sin_port));
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
        snprintf(out, NET_ADDR_MAX, "[%s]:%u", ip, ntohs(in6->sin6_port));
    } else {
        snprintf(out, NET_ADDR_MAX, "unix");
    }
}

uint16_t net_addr_port(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port);
    if (sa->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port);
    return 0;
}

bool net_addr_is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24) == 127;
    if (sa->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
    return sa->sa_family == AF_UNIX;
}
