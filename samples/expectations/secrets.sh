# The secrets of samples/expectations, made up: `. samples/expectations/secrets.sh`
export GOOD_SECRET='lab-good-0d4f'
export MUCH_SECRET='lab-much-b7e2'
export LITTLE_SECRET='lab-little-66a1'
export FREE_SECRET='lab-free-f09c'
