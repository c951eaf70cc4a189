# How a folder becomes a target. Each folder's CMakeLists.txt is then a list of names.

# `programs` is what a city runs (deploy/quickstart builds it and nothing else); `threads` is what
# the ThreadSanitizer build needs.
add_custom_target(programs)
add_custom_target(threads)

# referral_library(NAME SOURCES ... LINKS ... OUTSIDE ...)
# LINKS are libraries of ours (public), OUTSIDE are outside libraries (private: their home).
function(referral_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;OUTSIDE" ${ARGN})
    add_library(referral_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(referral_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_OUTSIDE})
    target_link_libraries(referral_${name} PRIVATE referral_flags)
    target_include_directories(referral_${name} PUBLIC ${CMAKE_SOURCE_DIR}/lib)
endfunction()

# referral_program(NAME SOURCES ... LINKS ...)
function(referral_program name)
    referral_tool(${name} ${ARGN})
    add_dependencies(programs ${name})
endfunction()

# referral_tool(NAME SOURCES ... LINKS ...): a program for ourselves, not for a city: a benchmark, or
# what a test calls.
function(referral_tool name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} referral_flags)
    target_compile_options(${name} PRIVATE -fPIE)
    target_link_options(${name} PRIVATE -pie)
endfunction()

# referral_test(NAME SOURCES ... LINKS ... [LABELS ...] [TIMEOUT SECONDS]): one Check suite, one
# executable, one CTest entry with the label `unit` and those given. A suite that starts threads
# has the label `threads` and runs under ThreadSanitizer too.
function(referral_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 180)
    endif()
    add_executable(test_${name} ${ARG_SOURCES})
    target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} referral_flags PkgConfig::CHECK)
    target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    set_target_properties(test_${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "unit;${ARG_LABELS}")
    if("threads" IN_LIST ARG_LABELS)
        add_dependencies(threads test_${name})
        # They wait longest: first, so that no other test is left to run beside nothing.
        set_tests_properties(${name} PROPERTIES COST 100)
    endif()
    # Check's own four seconds a case are short on a machine that does other things too.
    set(environment "CK_DEFAULT_TIMEOUT=60")
    if(REFERRAL_SANITIZE STREQUAL "thread")
        # ThreadSanitizer does not follow a fork of a process that has threads.
        list(APPEND environment "CK_FORK=no")
    endif()
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}")
endfunction()

# referral_process_test(NAME SCRIPT [ARGS ...]): a script that starts the real programs and judges
# them from outside. It finds them in $REFERRAL_BIN, is told by REFERRAL_LONG=1 to do its long form,
# and has the label `process`: run on the release build. tests/run sets the time limit.
function(referral_process_test name script)
    cmake_parse_arguments(ARG "" "SUITE" "ARGS" ${ARGN})
    if(NOT ARG_SUITE)
        set(ARG_SUITE intl)
    endif()
    add_test(NAME ${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARG_ARGS}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS process
        ENVIRONMENT "REFERRAL_BIN=${CMAKE_BINARY_DIR}/bin;REFERRAL_SUITE=${ARG_SUITE}")
endfunction()
