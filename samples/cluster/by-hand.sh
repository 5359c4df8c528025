# The same by hand, each part on a machine of its own. On all of them: pip install 'scopeprobe[cluster]'

# The scheduler, which workers and audits reach:
dask scheduler --port 8786 --no-dashboard

# A worker in the network eu, with the secrets of its clients in its environment:
export SHOP_EU_SECRET="$(pass show corp/shop-eu)"
dask worker tcp://scheduler.corp.example:8786 --resources eu=1 --no-dashboard

# A worker in the network us:
export SHOP_US_SECRET="$(pass show corp/shop-us)"
dask worker tcp://scheduler.corp.example:8786 --resources us=1 --no-dashboard

# The audit, from wherever its output folder is to be; it needs no secret:
scopeprobe audit clients.toml -o nightly --cluster tcp://scheduler.corp.example:8786
