# The shipped configuration and the letters of the demo city's story as bytes inside the program, so
# that the city needs nothing but the four programs. Sets demo_files, a C file.
file(GLOB demo_embedded RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/config/agencies.yaml ${CMAKE_SOURCE_DIR}/config/policy.yaml
    ${CMAKE_SOURCE_DIR}/config/calendars/*.json ${CMAKE_SOURCE_DIR}/cli/demo_letters/*.json
    ${CMAKE_SOURCE_DIR}/cli/demo_letters/*.pdf)
set(demo_arrays "")
set(demo_rows "")
set(demo_index 0)
foreach(path IN LISTS demo_embedded)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${path})
    file(READ ${CMAKE_SOURCE_DIR}/${path} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "^config/" "" name "${path}")
    string(REGEX REPLACE "^cli/demo_" "" name "${name}")
    string(APPEND demo_arrays "static const unsigned char file_${demo_index}[] = {${bytes}};\n")
    string(APPEND demo_rows
        "    {\"${name}\", file_${demo_index}, sizeof(file_${demo_index})},\n")
    math(EXPR demo_index "${demo_index} + 1")
endforeach()
file(CONFIGURE OUTPUT demo_files.c CONTENT
"#include \"cli/demo.h\"

${demo_arrays}
const struct demo_file demo_files[] = {
${demo_rows}    {0},
};
" @ONLY)
set(demo_files ${CMAKE_CURRENT_BINARY_DIR}/demo_files.c)
