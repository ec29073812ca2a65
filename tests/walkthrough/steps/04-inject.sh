title "4. The key goes into the chip, and every copy of it goes away"
env_line "KEYSCAN=${SEDGE_MESON:-$TOP/build/meson}/tests/walkthrough/keyscan/keyscan"
SCRATCH_TREES="--tree \$DEMO${SHORT_ROOT:+ --tree $SHORT_ROOT}"

# The scanner holds the key in its own memory from here on and is asked over a pipe: it can still look for a key
# whose last file is gone.
scanner_start() { # PEM
    say "\$ coproc SCANNER { exec \$KEYSCAN $1 --serve; }"
    eval "coproc SCANNER { exec \$KEYSCAN $1 --serve; }"
    printf '%s scanner\n' "$SCANNER_PID" >>"$DEMO/pids"
    scanner_pid=$SCANNER_PID
    local ready
    read -r -t 10 ready <&"${SCANNER[0]}" && [ "$ready" = ready ] || fail "the scanner did not start"
}
scanner_end() {
    [ -n "${scanner_pid:-}" ] || return 0
    end_processes "$scanner_pid"
    wait "$scanner_pid" 2>/dev/null
    scanner_pid=
}
# Ask for places; SCAN is the answer: clean, found N or unreadable N.
scan() {
    local line shown=0
    say "\$ echo \"$1\" >&\${SCANNER[1]}"
    eval "echo \"$1\"" >&"${SCANNER[1]}" || fail "the scanner has ended"
    while read -r -t 60 line <&"${SCANNER[0]}"; do
        case $line in
            found:* | unreadable:*) shown=$((shown + 1)); [ "$shown" -gt 3 ] || say "  $line" ;;
            *) SCAN=$line; say "  $line"; return 0 ;;
        esac
    done
    fail "the scanner gave no answer"
}
# Every process of ours but the chip (and the scanner itself).
scan_processes() {
    local pid words=
    for pid in $(family $(grep -vE ' (chip|scanner|holder)$' "$DEMO/pids" | cut -d' ' -f1) | sort -nu); do
        words="$words --pid $pid"
    done
    scan "${words# }"
}
expect_no_copy() {
    scan "--except \$DEMO/chip.state $SCRATCH_TREES"
    expect "no file has it, the chip's state left out" '[ "$SCAN" = clean ]'
    scan_processes
    expect "no process has it, the chip left out" '[ "$SCAN" = clean ]'
}

# inject_key rsa|ecc PEM COPY...: control, injection, deletion of all the files named, proof.
inject_key() {
    local kind=$1 pem=$2
    shift 2
    scanner_start "$pem"
    say "Before anything is deleted the scanner must find the key. In each file that has it:"
    local copy
    for copy in "$pem" "$@"; do
        scan "--tree $copy"
        expect "found in $copy" '[[ $SCAN = found* ]]'
    done
    say "In a process that holds it:"
    background holder "bash -c 'key=\$(<$pem); sleep 600; : \$key'"
    await 5 "the helper reads the key" '[ "$(cat /proc/$PID_holder/task/*/children 2>/dev/null)" ]'
    scan "--pid $PID_holder"
    expect "found in the helper's memory" '[[ $SCAN = found* ]]'
    end_processes "$PID_holder"
    say "Into the chip:"
    run "ssscli set $kind pair 0x20181001 $pem"
    say "Every copy goes:"
    run "rm $pem $*"
    say "The chip has it (its state file is what protects nothing here):"
    scan '--tree $DEMO/chip.state'
    expect "found in the chip's state" '[[ $SCAN = found* ]]'
    expect_no_copy
}
run 'cp $DEMO/work/unpacked/certs/$HASH.private.key $DEMO/work/$HASH.private.pem'
say "(The published walk forgets some copies: the one unpacked into the root, the archive, and the answer of create-keys-and-certificate.)"
inject_key rsa '$DEMO/work/$HASH.private.pem' '$DEMO/work/unpacked/certs/$HASH.private.key' '$SEDGE_ROOT/certs/$HASH.private.key' \
    '$DEMO/work/$HASH-setup.tar.gz' '$DEMO/work/keys.json'
