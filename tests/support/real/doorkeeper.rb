# The Doorkeeper that the tests audit: ruby doorkeeper.rb FLEET.json PORT plain|defaults
#
# On Rails, with SQLite beside the fleet's file. An application without scopes may have all that the server knows.

require "json"
require "logger"
require "sqlite3"
require "rails"
require "active_record"
require "action_controller/railtie"
require "doorkeeper"
require "rack/handler/webrick"

fleet = JSON.parse(File.read(ARGV[0]))

class Server < Rails::Application
  config.eager_load = false
  config.hosts.clear
  config.secret_key_base = "of a test"
  config.logger = Logger.new(nil)
  routes.append { use_doorkeeper }
end

Doorkeeper.configure do
  orm :active_record
  grant_flows %w[client_credentials]
  if ARGV[2] == "defaults"
    default_scopes "public"
    reuse_access_token
  end
  optional_scopes(*fleet["scopes"])
  allow_blank_redirect_uri true
end

ActiveRecord::Base.establish_connection(
  adapter: "sqlite3",
  database: File.join(File.dirname(ARGV[0]), "doorkeeper.sqlite3"),
  pool: 64, # one a connection: each is a thread of WEBrick
  timeout: 5000,
)
ActiveRecord::Schema.verbose = false
ActiveRecord::Schema.define do
  create_table :oauth_applications do |t|
    t.string :name, null: false
    t.string :uid, null: false
    t.string :secret, null: false
    t.text :redirect_uri
    t.string :scopes, null: false, default: ""
    t.boolean :confidential, null: false, default: true
    t.timestamps null: false
  end
  create_table :oauth_access_tokens do |t|
    t.references :resource_owner
    t.references :application
    t.string :token, null: false
    t.string :refresh_token
    t.integer :expires_in
    t.datetime :revoked_at
    t.datetime :created_at, null: false
    t.string :scopes
    t.string :previous_refresh_token, null: false, default: ""
  end
end

Server.initialize!

fleet["clients"].each do |client|
  Doorkeeper::Application.create!(
    name: client["client_id"],
    uid: client["client_id"],
    secret: client["client_secret"],
    scopes: client["scope"],
  )
end

ActiveRecord::Base.clear_active_connections!

one_at_a_time = Mutex.new # SQLite locks; WEBrick has a thread for every connection

Rack::Handler::WEBrick.run(
  ->(request) { one_at_a_time.synchronize { Rails.application.call(request) } },
  Host: "127.0.0.1",
  Port: Integer(ARGV[1]),
  Logger: Logger.new(nil),
  AccessLog: [],
  StartCallback: -> { puts JSON.generate(port: Integer(ARGV[1])); $stdout.flush },
)
