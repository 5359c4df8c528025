# The secret of samples/basic-encoding, made up: `. samples/basic-encoding/secrets.sh`
export MAINFRAME_SECRET='100% of /that+this='
