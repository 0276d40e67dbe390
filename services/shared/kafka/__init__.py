"""The Kafka clients: their settings, a reader without a consumer group, and a leader's producer."""
