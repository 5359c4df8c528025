# The secrets of samples/formats, made up: `. samples/formats/secrets.sh`
export DESK_SECRET='lab-desk-40aa'
export STOCK_SECRET='lab-stock-9b17'
