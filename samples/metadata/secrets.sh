# The environment of samples/metadata/clients.toml: made up, every one.
export ORDER_DESK_SECRET="made-up-1"
export SHOP_EXPORT_SECRET="made-up-2"
export STOCK_TAKER_SECRET="made-up-3"
export PARTNER_FEED_SECRET="made-up-4"
