#!/bin/sh
# SmolLM2-135M upcycled to 4 experts, 2 per token, and trained, beside the dense model trained on
# the same tokens in the same order.
#
#   benchmarks/train-smollm2.sh MODEL TEXT OUT
#
# MODEL  SmolLM2-135M in float32, such as test-fixtures/interop/make_smollm2.py makes
# TEXT   Isaac Newton's "Opticks" (London, 1730), in the public domain: Go's source distribution has it
#        as src/testdata/Isaac.Newton-Opticks.txt, in Debian /usr/share/go-1.19/src/testdata of
#        golang-1.19-src. Any other copy is refused by its hash.
# OUT    an empty or new folder for both runs; they leave 8 GB there and take 9 GB of memory
#
# UPCYCLE names another command line than the checkout's. Prints a table of both curves.
set -eu
usage='usage: benchmarks/train-smollm2.sh MODEL TEXT OUT'
model=${1:?$usage}
text=${2:?$usage}
out=${3:?$usage}
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
upcycle=${UPCYCLE:-$root/upcycle}

known=d4a9ac22462b35e7821a4f2706c211093da678620a8f9997989ee7cf8d507bbd
found=$(sha256sum "$text" | cut -d' ' -f1)
if [ "$found" != "$known" ]; then
  echo "train-smollm2.sh: $text has sha256 $found, expected $known" >&2
  exit 4
fi
mkdir -p "$out"
head -c 511132 "$text" >"$out/train.txt"
tail -c +511133 "$text" >"$out/held-out.txt"

# Writes a recipe whose only stage is named after its first argument; the second begins it.
recipe() {
  cat >"$out/$1.yaml" <<YAML
recipe: 1
name: smollm2-$1
seed: 42
language: {experts: {count: 4, per_token: 2}, router: {init: {kind: normal, std: 0.02}}}
train:
  stages:
    - name: $1
      $2
      rates: {all: 1.0e-4}
      optimizer: {betas: [0.9, 0.95]}
      schedule: {kind: cosine, final: 0.1, warmup: {ratio: 0.1}}
      clip_norm: 1.0
      batch: 2
      micro_batch: 2
      steps: 40
      data: {path: train.txt, max_tokens: 128}
      validate: {path: held-out.txt, rows: 32}
      $3
YAML
}
recipe dense '' ''
recipe experts 'upcycle: language' \
  'losses: {balance: {weight: 0.02}, router_z: {weight: 0.001}}'

for name in dense experts; do
  "$upcycle" train "$out/$name.yaml" --model "$model" --out "$out/$name" >&2
done

curve() {
  awk -v key="\"$2\":" '{
    i = index($0, key)
    if (i) { value = substr($0, i + length(key)); sub(/[,}].*/, "", value); print value }
  }' "$out/$1/1-$1/metrics.jsonl"
}

for name in dense experts; do
  curve "$name" cross_entropy >"$out/$name.curve"
  curve "$name" validation_loss >"$out/$name.end"
done
curve experts largest_share >"$out/experts.share"
paste "$out/dense.curve" "$out/experts.curve" "$out/experts.share" | awk '
  BEGIN { print "| step | dense | 4 experts, 2 per token | largest share |"; print "|---|---|---|---|" }
  NR == 1 || NR % 5 == 0 { printf "| %d | %.4f | %.4f | %.3f |\n", NR, $1, $2, $3 }'
printf '| held out | %.4f | %.4f | |\n' "$(cat "$out/dense.end")" "$(cat "$out/experts.end")"
