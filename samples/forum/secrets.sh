# The environment of samples/forum, made up: `. samples/forum/secrets.sh`
export AGENT_DESK_SECRET='lab-agent-desk-7e31'
