# What is installed where, and the three Debian packages made of it by `cpack` (tests/packages,
# docs/operations.md). Units, accounts and folders are in deploy/systemd, maintainer scripts and
# lintian's overrides in deploy/debian. Paths are those of a Debian system: the prefix is /usr.
include(GNUInstallDirs)

set(REFERRAL_PACKAGE_REVISION 1 CACHE STRING "the Debian revision of the packages")

# referral_install(COMPONENT DESTINATION FILES...)
function(referral_install component destination)
    install(FILES ${ARGN} DESTINATION ${destination} COMPONENT ${component})
endfunction()

set(unit_dir lib/systemd/system)
set(deploy ${CMAKE_SOURCE_DIR}/deploy)

install(TARGETS referral-broker RUNTIME DESTINATION bin COMPONENT referral-broker)
install(TARGETS referral-agent RUNTIME DESTINATION bin COMPONENT referral-agent)
install(TARGETS referralctl referral-verify RUNTIME DESTINATION bin COMPONENT referralctl)

referral_install(referral-broker ${unit_dir}
    ${deploy}/systemd/referral-broker.service
    ${deploy}/systemd/referral-backup.service ${deploy}/systemd/referral-backup.timer
    ${deploy}/systemd/referral-verify.service ${deploy}/systemd/referral-verify.timer)
install(PROGRAMS ${deploy}/systemd/referral-broker-once DESTINATION sbin COMPONENT referral-broker)
referral_install(referral-agent ${unit_dir}
    ${deploy}/systemd/referral-agent@.service ${deploy}/systemd/referral-agent@.socket
    ${deploy}/systemd/referral-agent-backup@.service
    ${deploy}/systemd/referral-agent-backup@.timer)
install(FILES ${deploy}/systemd/referral-broker.sysusers DESTINATION lib/sysusers.d
    RENAME referral-broker.conf COMPONENT referral-broker)
install(FILES ${deploy}/systemd/referral-agent.sysusers DESTINATION lib/sysusers.d
    RENAME referral-agent.conf COMPONENT referral-agent)
install(FILES ${deploy}/systemd/referral-broker.tmpfiles DESTINATION lib/tmpfiles.d
    RENAME referral-broker.conf COMPONENT referral-broker)
install(FILES ${deploy}/systemd/referral-agent.tmpfiles DESTINATION lib/tmpfiles.d
    RENAME referral-agent.conf COMPONENT referral-agent)
install(FILES ${deploy}/systemd/referralctl.tmpfiles DESTINATION lib/tmpfiles.d
    RENAME referralctl.conf COMPONENT referralctl)

# What the events in the journal mean (journalctl -x); rules and a dashboard for whoever has Prometheus.
install(FILES ${deploy}/referral.catalog DESTINATION lib/systemd/catalog COMPONENT referralctl)
referral_install(referral-broker share/doc/referral-broker/examples
    ${deploy}/alerts.yaml ${deploy}/grafana-dashboard.json)

# Templates, not conffiles: what a city decides must not change with an upgrade of one host.
foreach(name IN ITEMS broker agent)
    install(FILES ${CMAKE_SOURCE_DIR}/config/${name}.yaml DESTINATION share/referral
        COMPONENT referral-${name})
    install(FILES ${deploy}/systemd/network.conf
        DESTINATION share/doc/referral-${name}/examples COMPONENT referral-${name})
endforeach()
referral_install(referralctl share/referral
    ${CMAKE_SOURCE_DIR}/config/agencies.yaml ${CMAKE_SOURCE_DIR}/config/policy.yaml)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/config/calendars DESTINATION share/referral
    COMPONENT referralctl)

# The manual: tests/pages makes it, with scdoc.
foreach(page IN ITEMS referral-broker:referral-broker.8 referral-broker:broker.yaml.5
        referral-broker:referral-broker-once.8
        referral-agent:referral-agent.8 referral-agent:agent.yaml.5
        referralctl:referralctl.1 referralctl:referral-verify.1
        referralctl:agencies.yaml.5 referralctl:policy.yaml.5)
    string(REGEX MATCH "^(.*):(.*\\.([0-9]))$" _ ${page})
    install(FILES ${CMAKE_BINARY_DIR}/man/${CMAKE_MATCH_2}.gz
        DESTINATION share/man/man${CMAKE_MATCH_3} COMPONENT ${CMAKE_MATCH_1})
endforeach()

add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/completions/referralctl
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/completions
    COMMAND referralctl completion bash > ${CMAKE_BINARY_DIR}/completions/referralctl
    DEPENDS referralctl COMMENT "Completion for bash" VERBATIM)
add_custom_target(completion DEPENDS ${CMAKE_BINARY_DIR}/completions/referralctl)
referral_install(referralctl share/bash-completion/completions
    ${CMAKE_BINARY_DIR}/completions/referralctl)

# What cpack packs is built by this target; it would build the tests, too, otherwise.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
add_custom_target(packaged DEPENDS programs completion)
if(TARGET manual)
    add_dependencies(packaged manual)
endif()

# lintian's overrides, each with its reason, and what Debian wants to read beside a program.
foreach(name IN ITEMS referral-broker referral-agent referralctl)
    install(FILES ${deploy}/debian/copyright DESTINATION share/doc/${name} COMPONENT ${name})
    install(FILES ${CMAKE_BINARY_DIR}/changelog.Debian.gz DESTINATION share/doc/${name}
        COMPONENT ${name})
    if(EXISTS ${deploy}/debian/${name}.lintian-overrides)
        install(FILES ${deploy}/debian/${name}.lintian-overrides
            DESTINATION share/lintian/overrides RENAME ${name} COMPONENT ${name})
    endif()
endforeach()
execute_process(COMMAND git log -1 --format=%cD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    OUTPUT_VARIABLE changelog_date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(changelog_date STREQUAL "") # no repository: an unpacked archive
    string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
endif()
configure_file(${deploy}/debian/changelog.in ${CMAKE_BINARY_DIR}/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9 --no-name --force --keep ${CMAKE_BINARY_DIR}/changelog.Debian
    COMMAND_ERROR_IS_FATAL ANY)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "The maintainers of the referral broker <referral-broker@example.org>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL referral-broker referral-agent referralctl)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${REFERRAL_PACKAGE_REVISION})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# referral_package(NAME SUMMARY DESCRIPTION [DEPENDS])
function(referral_package name summary description depends)
    string(TOUPPER ${name} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
    set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${description}" PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
    set(scripts)
    foreach(script IN ITEMS preinst postinst prerm postrm)
        if(EXISTS ${deploy}/debian/${name}/${script})
            list(APPEND scripts ${deploy}/debian/${name}/${script})
        endif()
    endforeach()
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${scripts}" PARENT_SCOPE)
endfunction()

set(same "referralctl (= ${PROJECT_VERSION}-${REFERRAL_PACKAGE_REVISION})")
referral_package(referral-broker "routes referrals between the agencies of a city"
    "Takes signed messages from the agents of the agencies, keeps them until
they are acknowledged, counts working days, raises what is overdue, and
keeps an audit log that everybody can check. Nothing runs before
/etc/referral/broker.yaml is there."
    "${same}, systemd")
referral_package(referral-agent "sends and receives the referrals of one agency"
    "Holds the messages of one agency encrypted, checks the broker, tells
officers and serves their inbox to browsers. Nothing runs before
/etc/referral/agent-ID.yaml is there."
    "${same}, systemd")
referral_package(referralctl "administers referral brokers and agents"
    "The command line of administrators, and referral-verify, the offline
verifier of audit logs. Makes keys, shows queues, deadlines and alarms,
imports calendars."
    "")
include(CPack)
