"""The whole truth of what people did: append-only, hash-chained lines, one file a day."""
