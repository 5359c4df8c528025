# The secret of samples/absent-scope, made up: `. samples/absent-scope/secrets.sh`
export EXPORTER_SECRET='lab-exporter-4e8a'
