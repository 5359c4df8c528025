# The secret of samples/limits, made up: `. samples/limits/secrets.sh`
export RATIONED_SECRET='lab-rationed-31f5'
