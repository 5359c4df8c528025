# The secret of samples/introspection, made up: `. samples/introspection/secrets.sh`
export ARCHIVER_SECRET='lab-archiver-77ab'
