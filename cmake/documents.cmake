# The API descriptions and the reference page that go into the program: src/api/embedded.cpp.
find_program(ATHENA_PYTHON python3 HINTS /usr/bin REQUIRED)

# Call it in the folder that makes athena_api: properties of source files hold for one folder.
function(athena_embed_documents)
  set(folder ${PROJECT_SOURCE_DIR}/openapi)
  set(page ${CMAKE_CURRENT_BINARY_DIR}/docs.html)
  set(policy ${CMAKE_CURRENT_BINARY_DIR}/docs.policy)
  set(generator ${PROJECT_SOURCE_DIR}/tools/docs_page.py)
  set(parts ${generator} ${PROJECT_SOURCE_DIR}/openapi/page.css ${PROJECT_SOURCE_DIR}/openapi/page.js)
  add_custom_command(OUTPUT ${page} ${policy}
    COMMAND ${ATHENA_PYTHON} ${generator} ${folder}/openapi.yaml ${page} ${policy}
    DEPENDS ${folder}/openapi.yaml ${parts} VERBATIM)
  set(source ${PROJECT_SOURCE_DIR}/src/api/embedded.cpp)
  set_source_files_properties(${source} PROPERTIES
    OBJECT_DEPENDS "${folder}/openapi.yaml;${folder}/openapi-wss.yaml;${page};${policy}"
    COMPILE_DEFINITIONS "ATHENA_OPENAPI_FILE=\"${folder}/openapi.yaml\";ATHENA_OPENAPI_WSS_FILE=\"${folder}/openapi-wss.yaml\";ATHENA_DOCS_PAGE_FILE=\"${page}\";ATHENA_DOCS_POLICY_FILE=\"${policy}\"")
endfunction()
