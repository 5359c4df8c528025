# The environment of samples/genesys, made up: `. samples/genesys/secrets.sh`
export WALLBOARD_SECRET='lab-wallboard-41c7'
export QUEUE_ADMIN_SECRET='lab-queue-admin-9d02'
