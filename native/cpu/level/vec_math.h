// All functions of the formula language on vectors.
#pragma once

#include "cpu/level/vec_basic.h"
#include "cpu/level/vec_exp.h"
#include "cpu/level/vec_hyperbolic.h"
#include "cpu/level/vec_log.h"
#include "cpu/level/vec_special.h"
#include "cpu/level/vec_trig.h"
