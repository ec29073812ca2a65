title "9. A Lambda function, deployed from the cloud (docs/functions.md)"
# Nothing came: what the core and the cloud say about it.
not_heard() {
    say "The core's log:"
    grep -E '^\[[^]]*\]\[(WARN|ERROR|FATAL)\]|Failed to get routes' "$runtime_log" | tail -n 5
    say "The cloud's log:"
    grep -E "^[^ ]* (warn|error) " "$DEMO"/logs/*cloud.log | tail -n 3
    fail "$1 within ${AWAIT_MESSAGE:-20} s"
}
heard() { grep -qF -- "$1" "$DEMO/logs/listener.log"; }
await_heard() { # TEXT WHAT
    local end=$((SECONDS + ${AWAIT_MESSAGE:-20}))
    until heard "$1"; do
        [ $SECONDS -lt $end ] || not_heard "$2"
        sleep 0.05
    done
}
run_page code
run_page create
run_page group
! declare -F change_group >/dev/null || change_group # for the broken walks
say "Somebody in the cloud, with a certificate of their own, listens:"
run_page listen
background listener "$(page_block hear)"
run_page deploy
deploy Success
env_line "SEDGE_DEPLOYMENT_ID=$deployment_id"
await_heard "Hello from SE050_Core" "no message of the function has reached the cloud"
run 'head -n 1 $DEMO/logs/listener.log'
expect "the function's message reached the cloud" 'heard "Hello from SE050_Core"'
say "And one from the cloud to the function, which answers:"
run_page say
await_heard "Cloud, I heard you" "the function has not answered what the cloud sent"
run 'grep heard $DEMO/logs/listener.log'
expect "the cloud's message reached the function, its answer the cloud" 'heard "Cloud, I heard you"'
run_page log
