title "5. config.json is there, and names the key in the chip"
run 'cat $SEDGE_ROOT/config/config.json'
expect "only its owner can read it" '[ "$(stat -c %a "$SEDGE_ROOT/config/config.json")" = 600 ]'
