# Runs the C tool and the Python oracle and compares their lines one by one. For CTest:
#   cmake -DDUMP=... -DPYTHON=... -DORACLE=... -DSOURCE=... -DWORK=... -P compare.cmake
# Writes both outputs into WORK; the first differing lines go to the log of the test.
execute_process(COMMAND ${DUMP} ${SOURCE}/config/calendars
    OUTPUT_FILE ${WORK}/calendar.c.txt RESULT_VARIABLE dumped)
execute_process(COMMAND ${PYTHON} ${ORACLE} ${SOURCE}/tests/data/holidays.csv
        ${SOURCE}/tests/data/holidays-2027-provisional.csv
    OUTPUT_FILE ${WORK}/calendar.py.txt RESULT_VARIABLE computed)
if(NOT dumped EQUAL 0 OR NOT computed EQUAL 0)
    message(FATAL_ERROR "calendar_dump ended with ${dumped}, the oracle with ${computed}")
endif()
execute_process(COMMAND diff ${WORK}/calendar.c.txt ${WORK}/calendar.py.txt
    OUTPUT_FILE ${WORK}/calendar.diff RESULT_VARIABLE differ)
if(NOT differ EQUAL 0)
    file(READ ${WORK}/calendar.diff lines LIMIT 2000)
    message(FATAL_ERROR "C (<) and Python (>) differ:\n${lines}")
endif()
# 1461 days: an empty or cut comparison is no comparison.
file(STRINGS ${WORK}/calendar.py.txt days REGEX "^day ")
list(LENGTH days day_count)
file(STRINGS ${WORK}/calendar.py.txt due REGEX "^due ")
list(LENGTH due due_count)
if(NOT day_count EQUAL 1461 OR NOT due_count EQUAL 17532)
    message(FATAL_ERROR "compared ${day_count} days and ${due_count} due dates")
endif()
