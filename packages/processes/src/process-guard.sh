#!/bin/sh
# Runs a command and ends it when standard input closes, which the kernel does when whoever
# started this dies, however it dies: so no child outlives its parent. Writes the command's pid to
# descriptor 4.
exec 3<&0
"$@" 3<&- 4>&- &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT HUP
(
  # A signal to the whole group must not end the watch.
  trap '' TERM INT HUP
  read -r _ <&3
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
kill -KILL "$watcher" 2>/dev/null
exit "$status"
