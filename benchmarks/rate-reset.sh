#!/bin/sh
# Does a learning rate that begins anew after upcycling do better than one that stays where the
# dense model's training ended?
#
#   benchmarks/rate-reset.sh OUT [SEEDS]
#
# OUT    an empty or new folder
# SEEDS  of data orders and routers; default: 1 2 3
#
# The embedded sample decoder learns this repository's docs, which are new to it, by a cosine from
# 2e-3 to 2e-4; then it becomes 4 experts, 2 per token, and learns on: by the same cosine again, or
# at 2e-4 all the time. Both read the same rows in the same order. Prints the cross-entropy of a
# tenth of the text that is held out. UPCYCLE names another command line than the checkout's.
set -eu
out=${1:?'usage: benchmarks/rate-reset.sh OUT [SEEDS]'}
seeds=${2:-1 2 3}
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
upcycle=${UPCYCLE:-$root/upcycle}

"$upcycle" quickstart --out "$out" >/dev/null
cat "$root"/docs/*.md >"$out/text.txt"
held=$(($(wc -c <"$out/text.txt") / 10))
head -c "-$held" "$out/text.txt" >"$out/train.txt"
tail -c "$held" "$out/text.txt" | head -c 8192 >"$out/measure.txt"

# Trains MODEL by a stage with a name, a seed, a line of its own, a peak and a schedule.
stage() {
  cat >"$out/$1-$2.yaml" <<YAML
recipe: 1
seed: $2
language: {experts: {count: 4, per_token: 2}}
train:
  stages:
    - name: $1
      $3
      rates: {all: $4}
      schedule: $5
      optimizer: {betas: [0.9, 0.95]}
      clip_norm: 1.0
      batch: 4
      micro_batch: 4
      steps: 40
      losses: {balance: {weight: 0.02}}
      data: {path: train.txt, max_tokens: 128}
      validate: {path: measure.txt}
YAML
  "$upcycle" train "$out/$1-$2.yaml" --model "$6" --out "$out/$1-$2" -j 1 >&2
}

loss() {
  sed -n 's/.*"validation_loss":\([0-9.]*\).*/\1/p' "$out/$1-$2/1-$1/metrics.jsonl" | tail -n 1
}

cosine='{kind: cosine, final: 0.1}'
echo '| seed | dense before | begun anew | stays low |'
echo '|---|---|---|---|'
for seed in $seeds; do
  stage dense "$seed" '' 2.0e-3 "$cosine" "$out/dense"
  dense=$out/dense-$seed/final
  stage anew "$seed" 'upcycle: language' 2.0e-3 "$cosine" "$dense"
  stage low "$seed" 'upcycle: language' 2.0e-4 '{kind: constant}' "$dense"
  printf '| %s | %s | %s | %s |\n' "$seed" \
    "$(loss dense "$seed")" "$(loss anew "$seed")" "$(loss low "$seed")"
done
