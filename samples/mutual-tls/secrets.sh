# The secret of samples/mutual-tls, made up: `. samples/mutual-tls/secrets.sh`
export ORDERS_SECRET='made-up-2256'
