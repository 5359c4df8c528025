# The secrets of samples/several-files, made up: `. samples/several-files/secrets.sh`
export ACME_SECRET='lab-acme-8e02'
export BILLING_SECRET='lab-billing-b5c6'
export CRM_SECRET='lab-crm-17d9'
