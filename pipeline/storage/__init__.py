"""The object store: an interface (`base`), S3 itself (`s3`), and a dictionary for unit tests (`memory`)."""
