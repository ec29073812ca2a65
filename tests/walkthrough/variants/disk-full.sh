# The disk has no room for the deployment. (Runs in a mount namespace of its own.)
ENDS_AT=07-deploy
SAYS='ErrorMessage.*disk is full'
before_06_start() {
    run 'mkdir -p $SEDGE_ROOT/ggc/deployment'
    run 'mount -t tmpfs -o size=64k tmpfs $SEDGE_ROOT/ggc/deployment'
}
before_07_deploy() { run 'head -c 1M /dev/zero >$SEDGE_ROOT/ggc/deployment/filler 2>/dev/null; [ -s $SEDGE_ROOT/ggc/deployment/filler ]'; }
