/* sedge/se_all.h - the whole host library for SE050 and SE051. */
#ifndef SEDGE_SE_ALL_H
#define SEDGE_SE_ALL_H

#include <sedge/se.h>
#include <sedge/se_attest.h>
#include <sedge/se_crypto.h>
#include <sedge/se_key.h>
#include <sedge/se_manage.h>
#include <sedge/se_object.h>
#include <sedge/se_session.h>

#endif
