# The secret of samples/targets, made up: `. samples/targets/secrets.sh`
export REPORTS_SECRET='lab-reports-5d21'
