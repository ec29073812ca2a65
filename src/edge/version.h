/* src/edge/version.h - the two versions that greengrassd prints. */
#pragma once

/* The core release whose layout, config.json and log lines we keep. */
#define EDGE_GGC_VERSION "1.11.6"

#ifndef SEDGE_VERSION
#define SEDGE_VERSION "0.1.0"
#endif
