# Stands in for a password manager: prints the secret of the client that is asked for.
echo "lab-$1-1c14"
