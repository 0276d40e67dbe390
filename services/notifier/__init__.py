"""The notifier: detects milestones, alerts officials once each, and stores a receipt of every delivery."""
