#include "api/embedded.h"

// The assembler copies the files as they are, which costs no compile time, unlike an array of their bytes.
#define ATHENA_EMBED(name, file)                                   \
  __asm__(                                                         \
      ".pushsection .rodata\n"                                     \
      ".hidden athena_embedded_" #name                             \
      "\n"                                                         \
      ".hidden athena_embedded_" #name                             \
      "_end\n"                                                     \
      ".globl athena_embedded_" #name                              \
      "\n"                                                         \
      ".globl athena_embedded_" #name                              \
      "_end\n"                                                     \
      "athena_embedded_" #name ":\n.incbin \"" file                \
      "\"\n"                                                       \
      "athena_embedded_" #name                                     \
      "_end:\n.byte 0\n"                                           \
      ".popsection\n");                                            \
  extern "C" const char athena_embedded_##name[];                  \
  extern "C" const char athena_embedded_##name##_end[];            \
  namespace athena::api::embedded {                                \
  std::string_view name() {                                        \
    return {athena_embedded_##name, athena_embedded_##name##_end}; \
  }                                                                \
  }

ATHENA_EMBED(openapi, ATHENA_OPENAPI_FILE)
ATHENA_EMBED(openapi_wss, ATHENA_OPENAPI_WSS_FILE)
ATHENA_EMBED(docs_page, ATHENA_DOCS_PAGE_FILE)
ATHENA_EMBED(docs_policy, ATHENA_DOCS_POLICY_FILE)
