# The environment of samples/packs, made up: `. samples/packs/secrets.sh`
export WAREHOUSE_SECRET='lab-warehouse-6f10'
export WEBSHOP_SECRET='lab-webshop-d8e4'
