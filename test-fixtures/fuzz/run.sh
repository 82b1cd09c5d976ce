#!/usr/bin/env bash
# Fuzzes one target for some seconds; docs/fuzzing.md tells what the targets are and what a run prints.
#   test-fixtures/fuzz/run.sh build                     compiles the targets, once
#   test-fixtures/fuzz/run.sh TARGET SECONDS [FOLDER]   keeps corpus, findings and log in FOLDER/TARGET
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ "${1-}" = build ]; then
  cd "$root"
  exec mvn -q -B -ntp -P fuzz test-compile dependency:build-classpath -Dmdep.outputFile=target/fuzz.classpath \
    -pl checkpoint-io,recipes,core -am
fi
[ $# -ge 2 ] || { sed -n '2,4s/^# *//p' "$0" >&2; exit 2; }

target=$1
seconds=$2
# Which libraries count as new ground beside our own code: those that take an input apart for us.
case $target in
  header) module=checkpoint-io class=dev.upcycle.checkpoint.safetensors.HeaderFuzz library=tools.jackson.core.** ;;
  pickle) module=checkpoint-io class=dev.upcycle.checkpoint.torch.PickleFuzz library= ;;
  archive) module=checkpoint-io class=dev.upcycle.checkpoint.torch.ArchiveFuzz
    library=org.apache.commons.compress.archivers.zip.** ;;
  index) module=checkpoint-io class=dev.upcycle.checkpoint.IndexFuzz library=tools.jackson.core.** ;;
  config) module=core class=dev.upcycle.plan.ConfigFuzz library=tools.jackson.core.** ;;
  recipe) module=recipes class=dev.upcycle.recipe.RecipeFuzz library=org.snakeyaml.engine.v2.** ;;
  template) module=core class=dev.upcycle.chat.jinja.TemplateFuzz library= ;;
  image) module=core class=dev.upcycle.image.ImageFuzz library= ;;
  *) echo "no target $target; there are header, pickle, archive, index, config, recipe, template, image" >&2; exit 2 ;;
esac
classpath=$root/$module/target/fuzz.classpath
[ -f "$classpath" ] || { echo "$classpath is missing; first: $0 build" >&2; exit 2; }
jdk=$("$root/upcycle" --print-jdk)

folder=${3:-$root/target/fuzz}/$target
mkdir -p "$folder/corpus" "$folder/findings"
scratch=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT
seeds=("$root/$module/src/test/resources/fuzz/$target")
[ "$target" != archive ] || seeds+=("$root/$module/src/test/resources/dev/upcycle/checkpoint/torch/"{golden,refused})
options=(-max_total_time="$seconds" -max_len=8192 -timeout=300 -report_slow_units=120 -rss_limit_mb=0 -print_final_stats=1)
[ ! -f "$root/test-fixtures/fuzz/$target.dict" ] || options+=(-dict="$root/test-fixtures/fuzz/$target.dict")

# The heap and the stack are those that the launcher gives; findings do not end the run.
TIMEFORMAT="$target: %R s of wall time, %U s user, %S s system"
status=0
time "$jdk/bin/java" -XX:+UseSerialGC -Xmx512m -XX:+EnableDynamicAgentLoading --enable-native-access=ALL-UNNAMED \
  --sun-misc-unsafe-memory-access=allow -Djava.awt.headless=true -Dupcycle.fuzz.folder="$scratch" \
  -cp "$root/$module/target/test-classes:$root/$module/target/classes:$(cat "$classpath")" \
  com.code_intelligence.jazzer.Jazzer --target_class="$class" --keep_going=1000 \
  --custom_hook_excludes='org.assertj.**:net.bytebuddy.**' --instrumentation_includes="dev.upcycle.**${library:+:$library}" --reproducer_path="$folder/findings" \
  -artifact_prefix="$folder/findings/" "${options[@]}" "$folder/corpus" "${seeds[@]}" \
  2>&1 | tee "$folder/log" | grep -v -E '^#[0-9]+\s+(NEW|REDUCE)' || status=$?
ls "$folder/findings" | sed 's/^/finding: /'
exit $status
