# The environment of samples/private-key-jwt, made up: `. samples/private-key-jwt/secrets.sh`
export LEDGER_KEY='-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBAfUNNzJixgN4rhifm/
An1KAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQ1KNl8A38fk2aeTQs
EwwPcQRANEPA5uxYvELRTBHfVn1vL5K9jR60h5w619ztFIjjjCrcSrZtb8etb2oN
yv0dEFu/n9uw2Hr9MjuXofmsYBIvug==
-----END ENCRYPTED PRIVATE KEY-----'
export LEDGER_PASSWORD='made-up-4410'
export REPORTS_SECRET='made-up-and-as-long-as-its-hash-0093'
