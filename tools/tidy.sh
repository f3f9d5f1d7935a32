#!/usr/bin/env bash
# clang-tidy over the sources below src, tests of units left out; warnings are errors (.clang-tidy).
#   tools/tidy.sh BUILD_DIR [FILE...]      BUILD_DIR holds compile_commands.json
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: tools/tidy.sh BUILD_DIR [FILE...]}
shift
if (($# > 0)); then
  files=("$@")
else
  mapfile -t files < <(find src -name '*.cpp' ! -name '*_test.cpp' | sort)
fi

check_one() {
  local output
  if ! output=$(clang-tidy-19 -p "$build" --quiet "$1" 2>/dev/null); then
    printf '%s\n' "$output"
    return 1
  fi
}
export -f check_one
export build
if printf '%s\0' "${files[@]}" | xargs -0 -P 2 -I{} bash -c 'check_one "$1"' _ {}; then
  echo "tidy: ${#files[@]} files, no warning"
else
  echo "tidy: warnings, see above" >&2
  exit 1
fi
