# The environment of samples/entra, made up: `. samples/entra/secrets.sh`
export MAIL_ARCHIVE_SECRET='lab-mail-archive-2c9f'
export NO_TARGET_SECRET='lab-no-target-5510'
