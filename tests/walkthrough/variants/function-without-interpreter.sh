# There is no nodejs12.x on greengrassd's PATH.
ENDS_AT=09-function
SAYS='cannot find executable nodejs12.x'
before_09_function() {
    run 'rm $DEMO/bin/nodejs12.x'
}
