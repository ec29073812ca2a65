/* src/cloud/api/public.h - what the control port tells anybody (docs/spec/edge-cloud.md EC-16). */
#pragma once
#include "cloud/api/call.h"

err_t public_root(struct api_call *c);      /* the CA certificate as PEM */
err_t public_endpoints(struct api_call *c); /* names and ports */
