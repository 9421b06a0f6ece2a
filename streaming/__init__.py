"""The media engine: forwards RTP from one publisher to many viewers. Knows no HTTP and no SQL."""
