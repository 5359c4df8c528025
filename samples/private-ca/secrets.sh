# The secret of samples/private-ca, made up: `. samples/private-ca/secrets.sh`
export BILLING_SECRET='made-up-7731'
