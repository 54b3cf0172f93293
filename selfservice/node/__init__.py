"""The processes of one node: logging, first start, supervision."""
