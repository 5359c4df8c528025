# The secret of samples/dpop, made up: `. samples/dpop/secrets.sh`
export WALLET_SECRET='made-up-6618'
