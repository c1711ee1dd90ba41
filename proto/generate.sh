#!/usr/bin/env bash
# Generates proto/gen from the contract. With --check it only tells whether proto/gen is what would be generated.
set -euo pipefail
cd "$(dirname "$0")"
out=.
if [[ "${1:-}" == --check ]]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
buf generate -o "$out"
# What ts-proto makes of times before 1970 has nanos below 0, which no Timestamp may.
grep -rlZ "function toTimestamp" "$out/gen" | xargs -0 sed -i \
  -e 's|BigInt(Math.trunc(date.getTime() / 1_000))|BigInt(Math.floor(date.getTime() / 1_000))|' \
  -e 's|const nanos = (date.getTime() % 1_000) \* 1_000_000;|const nanos = (((date.getTime() % 1_000) + 1_000) % 1_000) * 1_000_000;|'
buf build --exclude-source-info -o "$out/gen/image.binpb"
if [[ "$out" != . ]] && ! diff -rq gen "$out/gen"; then
  echo "proto/gen is not what the contract generates: run make generate and commit it" >&2
  exit 1
fi
