# Every outside library, found once, under the name by which a floor links it.
# The home of each (the only folder that may include its headers) is checked by tests/tidy.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(pair IN ITEMS
        "UV:libuv>=1.44" "LMDB:lmdb>=0.9.24" "SODIUM:libsodium>=1.0.18" "FYAML:libfyaml>=0.7"
        "JANSSON:jansson>=2.14" "PROTOBUFC:libprotobuf-c>=1.4.1" "CRYPTO:libcrypto>=3.0"
        "SSL:libssl>=3.0" "MICROHTTPD:libmicrohttpd>=0.9.75"
        "CURL:libcurl>=7.88" "ZSTD:libzstd>=1.5" "NETTLE:nettle>=3.8"
        "CHECK:check>=0.15")
    string(REGEX MATCH "^([A-Z]+):(.*)$" _ "${pair}")
    pkg_check_modules(${CMAKE_MATCH_1} REQUIRED IMPORTED_TARGET "${CMAKE_MATCH_2}")
endforeach()
find_package(nng CONFIG REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)
find_program(MSGFMT msgfmt REQUIRED)
