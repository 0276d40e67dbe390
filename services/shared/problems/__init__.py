"""HTTP error responses: RFC 9457 problem details in Indonesian and English, which never repeat the invalid
value.
"""
