# The deployment document is altered between the cloud and the core.
ENDS_AT=07-deploy
SAYS='signature'
before_07_deploy() { tamper_first=alter_document; }
