/* src/net/addr.h - private to src/net: the text form of addresses. Pure; any thread. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#define NET_ADDR_MAX 64

/* "127.0.0.1:4711", "[::1]:80", "unix". */
void net_addr_text(const struct sockaddr *sa, char out[NET_ADDR_MAX]);
uint16_t net_addr_port(const struct sockaddr *sa); /* 0 for Unix */
bool net_addr_is_loopback(const struct sockaddr *sa);
