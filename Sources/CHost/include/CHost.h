// What the engine needs of the host in C.
#pragma once
#include "host_memory.h"
#include "host_thread.h"
#include "sha256.h"
#include "host_file.h"
#include "host_unused.h"
#include "host_floats.h"
#include "openmp.h"
