# The secrets that the auditor was given, made up: `. samples/cluster/secrets.sh`
export SHOP_EU_SECRET='lab-shop-eu-4f21'
export SHOP_US_SECRET='lab-shop-us-90ab'
