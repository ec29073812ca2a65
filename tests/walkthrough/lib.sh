# tests/walkthrough/lib.sh - how the walk talks, runs lines, starts and stops processes. Sourced by bash.
#
# Every line that is printed behind `$ ` is the line that is executed, in this very shell.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
STEP=start
declare -a STARTED=()   # process ids of ours, in the order of their start

say() { printf '%s\n' "$@"; }
title() { printf '\n== %s\n' "$*"; }

# End the walk: what was attempted, at which step.
fail() {
    printf 'FAILED at step %s: %s\n' "$STEP" "$*" >&2
    exit 1
}

# Print a line, execute it, stop the walk if it fails.
run() {
    printf '$ %s\n' "$1"
    eval "$1" || fail "the line above ended with status $?"
}

# The same, its output going to a variable too: capture NAME 'line'.
capture() {
    printf '$ %s\n' "$2"
    local out
    out=$(eval "$2") || fail "the line above ended with status $?"
    [ -z "$out" ] || printf '%s\n' "$out"
    printf -v "$1" '%s' "$out"
}

# Print and execute an export line.
env_line() {
    printf '$ export %s\n' "$1"
    eval "export $1"
}

# Start a long-running program: background NAME 'line'. Its output goes to $DEMO/logs/NAME.log.
background() {
    printf '$ %s >$DEMO/logs/%s.log 2>&1 &\n' "$2" "$1"
    eval "exec $2" >"$DEMO/logs/$1.log" 2>&1 </dev/null &
    STARTED+=($!)
    printf '%s %s\n' $! "$1" >>"$DEMO/pids"
    printf -v "PID_${1//-/_}" '%s' $!
}

# await SECONDS 'what' 'condition': poll the condition.
await() {
    local end=$((SECONDS + $1))
    until eval "$3"; do
        [ $SECONDS -lt $end ] || fail "$2: it did not happen within $1 s"
        sleep 0.05
    done
}

# expect 'what it proves' 'condition'
expect() {
    eval "$2" || fail "$1"
    printf '  ok: %s\n' "$1"
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The standard port when it is free, otherwise a free one.
choose_port() {
    local port=$1
    while port_taken "$port" || [[ " ${CHOSEN:-} " = *" $port "* ]]; do
        port=$((20000 + RANDOM % 20000))
    done
    CHOSEN="${CHOSEN:-} $port"
    printf -v "$2" '%s' "$port"
}

alive() { kill -0 "$1" 2>/dev/null; }

# The process and all that descend from it, by /proc (there may be no ps).
family() {
    local pid kid
    for pid in "$@"; do
        alive "$pid" || continue
        echo "$pid"
        for kid in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do
            family "$kid"
        done
    done
}

# End the processes with these ids and all they started; TERM first, KILL after 5 s.
end_processes() {
    local all
    all=$(family "$@")
    [ -n "$all" ] || return 0
    # shellcheck disable=SC2086
    kill $all 2>/dev/null
    local end=$((SECONDS + 5))
    local pid
    for pid in $all; do
        while alive "$pid" && [ "$(sed -n 's/^State:\t\(.\).*/\1/p' /proc/"$pid"/status 2>/dev/null)" != Z ]; do
            if [ $SECONDS -ge $end ]; then
                kill -KILL "$pid" 2>/dev/null
            fi
            sleep 0.05
        done
    done
}
