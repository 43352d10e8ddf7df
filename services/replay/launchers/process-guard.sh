#!/bin/sh
# Runs a command and ends it when standard input closes, which the kernel does when whoever
# started this dies, however it dies: so no cluster outlives its service.
exec 3<&0
"$@" 3<&- 4>&- &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT HUP
(
  cat <&3 >/dev/null
  kill -KILL "$child" 2>/dev/null
) 4>&- &
watcher=$!
echo "$child" >&4
exec 4>&-
wait "$child"
status=$?
if kill -0 "$child" 2>/dev/null; then
  wait "$child"
  status=$?
fi
kill "$watcher" 2>/dev/null
exit "$status"
