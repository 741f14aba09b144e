# A room is one folder, one static library and one include directory: a room that is not linked
# cannot be included.
#
#   decant_room(text SOURCES tokenizer.cpp ... LINK decant_base)
function(decant_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(decant_${name} STATIC ${ROOM_SOURCES})
  # Rooms are also linked into the shared library decant::c, which shows the C interface only.
  set_target_properties(decant_${name} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(decant_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>)
  target_link_libraries(decant_${name} PUBLIC decant_api ${ROOM_LINK} PRIVATE ${ROOM_PRIVATE_LINK})
  decant_warnings(decant_${name})
  decant_install(decant_${name})
endfunction()

# decant_library(sampling LINK decant_sampling): what other projects link, decant::sampling. They get
# the public headers and the rooms' code, not the rooms' include directories.
function(decant_library name)
  cmake_parse_arguments(LIBRARY "" "" "LINK" ${ARGN})
  add_library(decant_library_${name} INTERFACE)
  add_library(decant::${name} ALIAS decant_library_${name})
  target_link_libraries(decant_library_${name} INTERFACE decant_api)
  foreach(room IN LISTS LIBRARY_LINK)
    target_link_libraries(decant_library_${name} INTERFACE $<LINK_ONLY:${room}>)
  endforeach()
  set_target_properties(decant_library_${name} PROPERTIES EXPORT_NAME ${name})
  decant_install(decant_library_${name})
endfunction()

function(decant_install target)
  if(DECANT_INSTALL)
    install(TARGETS ${target} EXPORT decant-targets)
  endif()
endfunction()

function(decant_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  if(EMSCRIPTEN)
    # Sizes of 64 bits out of a file are compared with the file's own before they become 32 bits.
    target_compile_options(${target} PRIVATE -Wno-shorten-64-to-32)
  endif()
  if(DECANT_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# decant_test(text SOURCES tokenizer_test.cpp ... LINK decant_text): one test program a room.
function(decant_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name}_test ${TEST_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${TEST_LINK} GTest::gmock_main)
  target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  target_compile_definitions(${name}_test PRIVATE
    DECANT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")  # where the committed fixtures lie
  decant_warnings(${name}_test)
  # The compiler's time is most of a test's, and instrumenting optimised tests most of that.
  target_compile_options(${name}_test PRIVATE
    $<IF:$<BOOL:${DECANT_SANITIZED}>,-O0,$<$<CONFIG:Release>:-O1>>)
  if(DECANT_SANITIZED)  # a program whose start takes longer than most of its tests: all at once
    target_compile_definitions(${name}_test PRIVATE DECANT_SANITIZED)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 1200)
  else()
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
  endif()
endfunction()
