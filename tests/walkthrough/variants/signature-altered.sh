# The signature of the deployment document is altered.
ENDS_AT=07-deploy
SAYS='signature'
before_07_deploy() { tamper_first=alter_signature; }
