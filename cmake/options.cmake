# What a preset chooses, and the flags that every target gets.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(REFERRAL_SANITIZE "" CACHE STRING "empty, address or thread")
set_property(CACHE REFERRAL_SANITIZE PROPERTY STRINGS "" address thread)

# Assertions stay in every build: a broken invariant must stop the process before it is stored.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()

add_library(referral_flags INTERFACE)
target_compile_definitions(referral_flags INTERFACE _GNU_SOURCE)
target_compile_options(referral_flags INTERFACE
    -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wcast-qual -Wwrite-strings
    -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wdouble-promotion
    -fno-common -fno-strict-aliasing -fstack-protector-strong -fstack-clash-protection -g)
target_link_options(referral_flags INTERFACE
    -Wl,--as-needed -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
target_include_directories(referral_flags INTERFACE ${CMAKE_SOURCE_DIR}/lib)

if(REFERRAL_SANITIZE STREQUAL "address")
    target_compile_options(referral_flags INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(referral_flags INTERFACE -fsanitize=address,undefined)
elseif(REFERRAL_SANITIZE STREQUAL "thread")
    target_compile_options(referral_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
    target_link_options(referral_flags INTERFACE -fsanitize=thread)
else()
    # Level 3 needs a compiler and a C library that know it; the C library warns when not.
    set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
    check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" HAVE_FORTIFY_3)
    unset(CMAKE_REQUIRED_FLAGS)
    set(fortify 2)
    if(HAVE_FORTIFY_3)
        set(fortify 3)
    endif()
    # A frame larger than this belongs on the heap. Sanitizers' own padding would exceed it.
    target_compile_options(referral_flags INTERFACE -Wstack-usage=65536
        "$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${fortify}>")
endif()

# Control-flow protection exists on some processors only.
check_c_compiler_flag(-fcf-protection=full HAVE_CF_PROTECTION)
check_c_compiler_flag(-mbranch-protection=standard HAVE_BRANCH_PROTECTION)
if(HAVE_CF_PROTECTION)
    target_compile_options(referral_flags INTERFACE -fcf-protection=full)
elseif(HAVE_BRANCH_PROTECTION)
    target_compile_options(referral_flags INTERFACE -mbranch-protection=standard)
endif()
