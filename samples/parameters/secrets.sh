# The secret of samples/parameters, made up: `. samples/parameters/secrets.sh`
export ROBOT_SECRET='lab-robot-c6d3'
