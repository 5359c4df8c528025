# The secrets that the auditor was given, made up: `. samples/small/secrets.sh`
export BILLING_SECRET='lab-billing-71d0'
export PAYROLL_SECRET='lab-payroll-2c9e'
export SHOP_SECRET='lab-shop-2025'
