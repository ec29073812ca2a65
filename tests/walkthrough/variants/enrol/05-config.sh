title "5. config.json is there, and names the key in the chip"
choose_port 8000 ipc_port
env_line "SEDGE_IPC_PORT=$ipc_port"
edits='-e "s|^ *\"keepAlive\"|    \"ggDaemonPort\": $SEDGE_IPC_PORT,\n&|"'
if [ "$(id -u)" = 0 ]; then # functions run as whoever calls, and that is root: no account is made for them here
    edits="$edits "'-e "s|^  \"runtime\": {|&\n    \"allowFunctionsToRunAsRoot\": \"yes\",|"'
fi
run "sed -i $edits \$SEDGE_ROOT/config/config.json"
run 'cat $SEDGE_ROOT/config/config.json'
expect "only its owner can read it" '[ "$(stat -c %a "$SEDGE_ROOT/config/config.json")" = 600 ]'
