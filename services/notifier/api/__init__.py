"""The notifier's HTTP interface: alerts, acknowledgements and silences."""
