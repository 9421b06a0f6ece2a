"""The service: stores, authorises and delivers. Imports `streaming` and `feedback`; neither imports it."""
