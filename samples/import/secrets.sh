# The secrets that the auditor was given, made up: `. samples/import/secrets.sh`
export BILLING_SECRET='made-up-billing-5d21'
export FAX_SECRET='made-up-fax-9c04'
