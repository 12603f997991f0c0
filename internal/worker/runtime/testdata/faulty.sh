#!/bin/sh
# Does on demand what handlers should not do.
fault=$(sed -n 's/.*"fault": *"\([A-Za-z]*\)".*/\1/p')
case "$fault" in
fine) echo '"fine"' ;;
soon) sleep 0.1 && echo '"soon"' ;;
throws) echo "no paper left" >&2 && exit 3 ;;
exits) exit 3 ;;
unrecoverable) echo "never again" >&2 && exit 65 ;;
segfaults) kill -SEGV $$ ;;
killed) kill -KILL $$ ;;
never) exec sleep 1000 ;;
ignoresAbort)
  trap '' TERM
  echo progress 1
  while :; do sleep 1; done
  ;;
rubbish) printf 'rubbish\n{"jsonrpc":"1.0"}\n\377\376\n"fine"\n' ;;
floods) head -c 1073741824 /dev/zero | tr '\000' '\n' && echo '"fine"' ;;
floodsLog) yes "$(printf "%02000d" 0)" | head -c 1073741824 >&2 && echo '"fine"' ;;
floodsLine) head -c 1073741824 /dev/zero && echo '"fine"' ;;
notJSON) echo 'not { JSON' ;;
hundredMegabytes) head -c 104857600 /dev/zero | tr '\000' x ;;
nothing) ;;
forks)
  sleep 1000 &
  setsid sh -c '(exec sleep 1001) & exec sleep 1002' &
  echo '"fine"'
  ;;
memory) head -c 2147483648 /dev/zero | tail -c 1073741824 >/dev/null ;;
changesFiles) echo 'this is no script (' >"$0" && rm "$0" && echo '"fine"' ;;
esac
