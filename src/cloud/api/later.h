/* src/cloud/api/later.h - the operations that are routed and not there yet, as one table. Spec: issue 6. */
#pragma once
#include "cloud/api/call.h"

extern const struct api_op api_later_ops[];
extern const size_t api_later_ops_count;
