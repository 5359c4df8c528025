# The environment of samples/secrets, made up: `. samples/secrets/secrets.sh`
export ONE_SECRET='lab-one-e3b0'
