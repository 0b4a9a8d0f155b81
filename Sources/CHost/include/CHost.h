#pragma once
#include "host_memory.h"
#include "host_thread.h"
