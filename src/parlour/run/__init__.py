"""Run a program against this server as if it were the vendor's: proxy, certificates, environment (issue C.9).

Imports nothing of the server: what stands here speaks HTTP to a Parlour host, wherever it is.
"""
