#!/bin/sh
# How long the program takes to start: `--version`, `inspect MODEL` and a bare JVM, interleaved.
#
#   benchmarks/start-time.sh MODEL [RUNS]
#
# Prints each one's median over the runs and its ratio to the bare JVM: a Hello class on the same
# JDK, with the class data archive that every JDK brings.
set -eu
usage='usage: benchmarks/start-time.sh MODEL [RUNS]'
model=${1:?$usage}
runs=${2:-11}
case $runs in '' | 0 | *[!0-9]*) echo "$usage; RUNS is a whole number from 1" >&2; exit 2 ;; esac
case $(date +%s%N) in
  *[!0-9]*) echo 'start-time.sh needs a date that knows nanoseconds (%N), such as GNU date' >&2; exit 6 ;;
esac

root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
jdk=$("$root/upcycle" --print-jdk)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

cat >"$work/Hello.java" <<'JAVA'
class Hello {
  public static void main(String[] arguments) {
    System.out.println("hello");
  }
}
JAVA
"$jdk/bin/javac" -d "$work" "$work/Hello.java"

# Runs a command and appends its milliseconds, with three decimals, to a file named after it.
clock() {
  name=$1
  shift
  start=$(date +%s%N)
  "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
  end=$(date +%s%N)
  printf '%d.%03d\n' $(((end - start) / 1000000)) $(((end - start) / 1000 % 1000)) >>"$work/$name"
}

median() {
  sort -n "$work/$1" | sed -n "$(((runs + 1) / 2))p"
}

row() {
  awk -v name="$1" -v millis="$(median "$2")" -v bare="$(median bare)" \
    'BEGIN { printf "%-10s  %9.0f  %5.2f\n", name, millis, millis / bare }'
}

# Once for nothing: the first start builds and makes the archive of classes.
"$root/upcycle" inspect "$model" >/dev/null
run=0
while [ "$run" -lt "$runs" ]; do
  clock bare "$jdk/bin/java" -cp "$work" Hello
  clock version "$root/upcycle" --version
  clock inspect "$root/upcycle" inspect "$model"
  run=$((run + 1))
done

printf '%-10s  %9s  %5s\n' start 'median ms' ratio
row 'bare JVM' bare
row --version version
row inspect inspect
printf '%s runs, interleaved; %s\n' "$runs" "$("$jdk/bin/java" -version 2>&1 | sed -n 2p)"
