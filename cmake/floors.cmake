# How a folder becomes a target. Each folder's CMakeLists.txt is then a list of names.

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
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} referral_flags)
    target_compile_options(${name} PRIVATE -fPIE)
    target_link_options(${name} PRIVATE -pie)
endfunction()

# referral_test(NAME SOURCES ... LINKS ...): one Check suite, one executable, one CTest entry.
function(referral_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(test_${name} ${ARG_SOURCES})
    target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} referral_flags PkgConfig::CHECK)
    set_target_properties(test_${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 180 LABELS unit)
endfunction()
