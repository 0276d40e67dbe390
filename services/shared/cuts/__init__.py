"""Reading cuts and register states from Kafka: record formats, the reader's state, freshness, and following
a topic.
"""
