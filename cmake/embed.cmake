# Files that are compiled into a program: pages, style sheets, catalogues.

# referral_embed(SYMBOL OUTPUT [STEM] FILES ...): a C file at build time that defines the table SYMBOL of
# struct asset (agent/web/template.h) and SYMBOL_count. OUTPUT receives its path. A file's name in
# the table is its last part, with STEM without the ending; its etag is of its content.
function(referral_embed symbol output)
    cmake_parse_arguments(ARG "STEM" "" "FILES" ${ARGN})
    set(made ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
    set(script ${CMAKE_SOURCE_DIR}/cmake/embed_files.cmake)
    # A list in one argument: no path of ours holds the bar.
    string(REPLACE ";" "|" joined "${ARG_FILES}")
    add_custom_command(OUTPUT ${made}
        COMMAND ${CMAKE_COMMAND} -D symbol=${symbol} -D made=${made} -D stem=${ARG_STEM} -D "files=${joined}" -P ${script}
        DEPENDS ${ARG_FILES} ${script}
        COMMENT "Embedding into ${symbol}.c" VERBATIM)
    set(${output} ${made} PARENT_SCOPE)
endfunction()
