"""The delivery of messages: the job queue, and the sender that makes each attempt."""
