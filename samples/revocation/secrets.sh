# The environment of samples/revocation, made up: `. samples/revocation/secrets.sh`
export BILLING_SECRET='lab-billing-0e5a'
export EXPORT_SECRET='lab-export-b3c1'
