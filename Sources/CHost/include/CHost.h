#pragma once
#include "host_memory.h"
#include "host_thread.h"
#include "sha256.h"
#include "host_file.h"
