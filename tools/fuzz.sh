#!/usr/bin/env bash
# Runs every target of build/fuzz/tests/fuzz, two at a time, for SECONDS each (0: only replays the corpus).
#   tools/fuzz.sh SECONDS
# Seeds: tests/fuzz/corpus/<target>. What the fuzzer adds goes to build/fuzz/corpus, findings to build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: tools/fuzz.sh SECONDS}
targets_dir=build/fuzz/tests/fuzz

mapfile -t targets < <(find "$targets_dir" -maxdepth 1 -type f -executable -printf '%f\n' | sort)
if ((${#targets[@]} == 0)); then
  echo "fuzz: no targets in $targets_dir" >&2
  exit 1
fi

run_one() {
  local name=$1 seeds=tests/fuzz/corpus/$1 grown=build/fuzz/corpus/$1 log=build/fuzz/$1.log
  local program=$targets_dir/$name budget=(-max_total_time="$seconds")
  mkdir -p "$grown" "build/fuzz/findings/$name"
  if [[ ! -d $seeds ]]; then
    echo "fuzz: $name has no corpus ($seeds)" >&2
    return 1
  fi
  ((seconds > 0)) || budget=(-runs=0)
  local dictionary=tests/fuzz/$name.dict
  [[ -f $dictionary ]] && budget+=(-dict="$dictionary")
  if "$program" "${budget[@]}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/findings/$name/" "$grown" "$seeds" >"$log" 2>&1; then
    local runs
    runs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")
    echo "fuzz: $name: ok, ${runs:-?} inputs, $(find "$seeds" -type f | wc -l) seeds"
  else
    echo "fuzz: $name: FAILED, log $log, input in build/fuzz/findings/$name:" >&2
    tail -60 "$log" >&2
    return 1
  fi
}
export -f run_one
export seconds targets_dir
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'run_one "$1"' _ {}
