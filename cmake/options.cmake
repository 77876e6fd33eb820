# Warnings, assertions and sanitizers, for every target of the project.
add_compile_options(
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wformat=2 -Wundef -Wcast-align -Wwrite-strings -Wvla
    -fno-strict-aliasing -fstack-protector-strong -fno-common)
if(WERROR)
    add_compile_options(-Werror)
endif()
# CMAKE_C_EXTENSIONS OFF hides POSIX.
add_compile_definitions(_GNU_SOURCE)
# The project's own includes are written from its top: "merkle/base/span.h".
include_directories(${CMAKE_SOURCE_DIR})

# Assertions stay on in every build: a programmer's error ends the process.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()
if(NOT SANITIZE STREQUAL "")
    add_compile_options(-fsanitize=${SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SANITIZE})
    add_compile_definitions(CARTULARY_SANITIZED=1)
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(FUZZ)
    # Coverage instrumentation everywhere; the fuzz targets add the driver.
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
