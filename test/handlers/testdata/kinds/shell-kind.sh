#!/bin/sh
# Does what its job says, as its namesakes do that are more than a script.
set -eu
job=$(cat)
field() { printf '%s' "$job" | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }
echo "attempt $JOBRUNNER_ATTEMPT" >&2
case $(field do) in
answer)
  echo "progress 50"
  printf '{"answer": "%s"}\n' "$(field value)"
  ;;
fail)
  echo "failed on purpose" >&2
  exit 1
  ;;
give-up)
  echo "gave up on purpose" >&2
  exit 65
  ;;
remember)
  if [ -s "$JOBRUNNER_STATE" ]; then
    printf '{"remembered": %s}' "$(cat "$JOBRUNNER_STATE")" >"$JOBRUNNER_RESULT"
    exit
  fi
  printf '{"value": "%s"}' "$(field value)" >"$JOBRUNNER_STATE"
  echo "once more, please" >&2
  exit 1
  ;;
esac
