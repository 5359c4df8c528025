# The environment of samples/nightly, made up: `. samples/nightly/secrets.sh`
export BILLING_SECRET='of-no-server-at-all'
